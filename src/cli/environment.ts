import { availableParallelism } from 'node:os'

/** More than what a recover reads at once (4 MiB), less than a part of an upload (8 MiB). */
const LARGE_BLOCK_BYTES = 4.25 * 1024 * 1024

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
 * returns them when they are freed, but each that is freed raises its limit for "large", up to 32 MiB: here it stays. What
 * a run uses again and again is below it, because the first use of mapped memory is slow. The limit of this process, which
 * is lower (src/main.ts), is not for its children.
 */
export function setEnvironmentOfChildren(): void {
  process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism() + 2))
  process.env.MALLOC_ARENA_MAX ??= '2'
  process.env.MALLOC_MMAP_THRESHOLD_ = String(LARGE_BLOCK_BYTES)
}
