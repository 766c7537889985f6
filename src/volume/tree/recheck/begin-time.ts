import { setTimeout } from 'node:timers/promises'
import type { Kernel } from '../../../lib/kernel.ts'

const NS_PER_MS = 1_000_000n
/** The stamps of files follow the clock in steps of at most this. */
const TICK_MS = 10

/**
 * The beginning of a run, for comparison with the times of files: whatever is written after this resolves is stamped
 * later. Waits for the next tick of the clock that stamps files.
 */
export async function takeBeginTime(kernel: Kernel | undefined): Promise<bigint> {
  const beginMs = Date.now()
  const beginNs = BigInt(beginMs + 1) * NS_PER_MS
  if (kernel) while (kernel.coarseNowNs() <= beginNs) await setTimeout(1)
  else await setTimeout(TICK_MS)
  return beginNs
}
