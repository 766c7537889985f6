import { availableParallelism } from 'node:os'

const LARGE_BLOCK_BYTES = 1024 * 1024

/** The time zone from the environment. */
export function environmentZone(): string | undefined {
  return process.env.TZ
}

/** The token of whoever runs a command; undefined if there is none. */
export function environmentToken(): string | undefined {
  return process.env.BACKUPD_TOKEN || undefined
}

/**
 * Sets environment variables for child processes; the only place that changes the environment. libuv's pool, which
 * compresses archives, has four threads by default: larger machines get one for each core and two for files. malloc has
 * an arena for each thread and keeps most freed memory in each: two are enough. It also maps large blocks on their own, and
 * returns them when they are freed, but each that is freed raises its limit for "large", up to 32 MiB: here it stays.
 */
export function setEnvironmentOfChildren(): void {
  process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism() + 2))
  process.env.MALLOC_ARENA_MAX ??= '2'
  process.env.MALLOC_MMAP_THRESHOLD_ ??= String(LARGE_BLOCK_BYTES)
}
