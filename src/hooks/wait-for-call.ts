import type { HookCall, HookEnd, HookWorld } from './hook-place.ts'

const ALIVE_INTERVAL_MS = 1000

/** Waits until the call has exited, its time is up, or its run is aborted. */
export async function waitForCall(
  { limitMs, signal }: Pick<HookCall, 'limitMs' | 'signal'>,
  { clock, alive }: HookWorld,
  exit: Promise<void>,
): Promise<HookEnd['how']> {
  const { promise, resolve, reject } = Promise.withResolvers<HookEnd['how']>()
  exit.then(() => resolve('exited'), reject)
  using _limit = clock.after(limitMs, () => resolve('timed-out'))
  const abort = () => resolve('aborted')
  signal?.addEventListener('abort', abort, { once: true })
  if (signal?.aborted) abort()
  const beat = setInterval(alive, ALIVE_INTERVAL_MS)
  try {
    return await promise
  } finally {
    clearInterval(beat)
    signal?.removeEventListener('abort', abort)
  }
}
