const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/**
 * Waits for SIGINT or SIGTERM, then for `close`. A second signal ends the process immediately.
 * @param failure closes and throws its error if it rejects
 */
export async function waitUntilStopped(close: () => Promise<void>, failure?: Promise<never>): Promise<void> {
  const end = () => process.exit(130)
  const { promise: stopped, resolve } = Promise.withResolvers<void>()
  const onFirst = () => {
    for (const signal of SIGNALS) process.off(signal, onFirst).on(signal, end)
    resolve()
  }
  for (const signal of SIGNALS) process.on(signal, onFirst)
  try {
    await Promise.race(failure ? [stopped, failure] : [stopped]).catch(async (error) => {
      // What closing says then only follows from the failure.
      await close().catch(() => {})
      throw error
    })
    await close()
  } finally {
    for (const signal of SIGNALS) process.off(signal, onFirst).off(signal, end)
  }
}
