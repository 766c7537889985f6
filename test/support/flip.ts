import { Worker } from 'node:worker_threads'
import { BackupdError } from '../../src/lib/errors.ts'

const FLIP = new URL('../programs/flip-child.ts', import.meta.url)
const PLANT = new URL('../programs/plant-child.ts', import.meta.url)

/**
 * Swaps two names in a thread, again and again. Resolves after the first swap; call the result to stop.
 * @param target if given, the names lie in a volume: one is always a directory, the other a link to the target
 */
export async function startFlipping(
  names: readonly [string, string],
  target?: string,
): Promise<() => Promise<void>> {
  const flags = new Int32Array(new SharedArrayBuffer(8))
  const worker = new Worker(target === undefined ? FLIP : PLANT, {
    workerData: { names, target, flags },
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

/** How often each outcome occurred: `success`, or the code of the error. */
export type Outcomes = Record<string, number>

/**
 * Repeats it and counts the outcomes; every error must be a refusal with a code. If all rounds end alike, because the
 * swapping thread got no time, it goes on for up to four times as many.
 */
export async function countOutcomes(rounds: number, act: () => Promise<string>): Promise<Outcomes> {
  const outcomes: Outcomes = {}
  const isDone = (round: number) =>
    round >= rounds && (Object.keys(outcomes).length > 1 || round >= 4 * rounds)
  for (let round = 0; !isDone(round); round++) {
    const outcome = await act().catch((error: unknown) => {
      if (error instanceof BackupdError) return error.code
      throw error
    })
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  }
  return outcomes
}
