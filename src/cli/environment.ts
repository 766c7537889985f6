import { availableParallelism } from 'node:os'

/** The time zone that the environment names. */
export function environmentZone(): string | undefined {
  return process.env.TZ
}

/**
 * The one place that touches the environment: what child processes must be told before they start. libuv's pool, on
 * which archives are compressed, has four threads unless told otherwise: on a larger machine one for each core, and two
 * for files. malloc has an arena for each thread, and keeps most of what was freed in each: two serve.
 */
export function setEnvironmentOfChildren(): void {
  process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism() + 2))
  process.env.MALLOC_ARENA_MAX ??= '2'
}
