const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Resolves after the first SIGINT or SIGTERM, when `close` is done. A second one ends the process at once. */
export async function untilStopped(close: () => Promise<void>): Promise<void> {
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
