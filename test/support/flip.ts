import { Worker } from 'node:worker_threads'
import { BackupdError } from '../../src/lib/errors.ts'

/** Lets two names change places in a thread, from the first time on until the function given back is called. */
export async function startFlipping(names: readonly [string, string]): Promise<() => Promise<void>> {
  const flags = new Int32Array(new SharedArrayBuffer(8))
  const worker = new Worker(new URL('./flip-child.ts', import.meta.url), {
    workerData: { names, flags },
    trackUnmanagedFds: false,
  })
  const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  await Atomics.waitAsync(flags, 0, 0).value
  return async () => {
    Atomics.store(flags, 1, 1)
    Atomics.notify(flags, 1)
    await gone
  }
}

/** How often each outcome came: `success`, or the code of what was thrown. */
export type Outcomes = Record<string, number>

/** Does it again and again; what is thrown must be a refusal in words. */
export async function countOutcomes(rounds: number, act: () => Promise<string>): Promise<Outcomes> {
  const outcomes: Outcomes = {}
  for (let round = 0; round < rounds; round++) {
    const outcome = await act().catch((error: unknown) => {
      if (error instanceof BackupdError) return error.code
      throw error
    })
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  }
  return outcomes
}
