const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Waits for SIGINT or SIGTERM, then for `close`. A second signal ends the process immediately. */
export async function waitUntilStopped(close: () => Promise<void>): Promise<void> {
  const end = () => process.exit(130)
  const { promise: stopped, resolve } = Promise.withResolvers<void>()
  const onFirst = () => {
    for (const signal of SIGNALS) process.off(signal, onFirst).on(signal, end)
    resolve()
  }
  for (const signal of SIGNALS) process.on(signal, onFirst)
  await stopped
  try {
    await close()
  } finally {
    for (const signal of SIGNALS) process.off(signal, end)
  }
}
