import { availableParallelism } from 'node:os'

/**
 * The one place that touches the environment. Archives are compressed on libuv's pool, which has four threads
 * unless told otherwise before it starts: child processes of a larger machine get one for each core, and two for files.
 */
export function shareCoresWithChildren(): void {
  process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism() + 2))
}
