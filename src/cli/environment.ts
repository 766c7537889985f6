import { availableParallelism } from 'node:os'

/** The time zone from the environment. */
export function environmentZone(): string | undefined {
  return process.env.TZ
}

/**
 * Sets environment variables for child processes; the only place that changes the environment. libuv's pool, which
 * compresses archives, has four threads by default: larger machines get one for each core and two for files. malloc has
 * an arena for each thread and keeps most freed memory in each: two are enough.
 */
export function setEnvironmentOfChildren(): void {
  process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism() + 2))
  process.env.MALLOC_ARENA_MAX ??= '2'
}
