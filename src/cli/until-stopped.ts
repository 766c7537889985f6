const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** SIGINT and SIGTERM while this is not disposed: the first one resolves `stopped`, a second ends the process. */
export interface StopSignals extends Disposable {
  stopped: Promise<void>
}

/**
 * Call it before a start that takes long, so that a signal in the middle of it does not end the process uncleanly.
 * @param stop is aborted by the first signal
 */
export function catchStopSignals(stop = new AbortController()): StopSignals {
  const end = () => process.exit(130)
  const { promise: stopped, resolve } = Promise.withResolvers<void>()
  const onFirst = () => {
    for (const signal of SIGNALS) process.off(signal, onFirst).on(signal, end)
    resolve()
    stop.abort()
  }
  for (const signal of SIGNALS) process.on(signal, onFirst)
  return {
    stopped,
    [Symbol.dispose]() {
      for (const signal of SIGNALS) process.off(signal, onFirst).off(signal, end)
    },
  }
}

/**
 * Waits for SIGINT or SIGTERM, then for `close`. A second signal ends the process immediately.
 * @param failure closes and throws its error if it rejects
 * @param signals caught since before the start
 */
export async function waitUntilStopped(
  close: () => Promise<void>,
  failure?: Promise<never>,
  signals = catchStopSignals(),
): Promise<void> {
  using caught = signals
  const { stopped } = caught
  await Promise.race(failure ? [stopped, failure] : [stopped]).catch(async (error) => {
    // What closing says then only follows from the failure.
    await close().catch(() => {})
    throw error
  })
  await close()
}
