import { setTimeout } from 'node:timers/promises'
import type { Kernel } from '../../../lib/kernel.ts'
import { NS_PER_MS } from '../../../lib/time-units.ts'

/** Timestamps of files advance in steps of at most this. */
const TICK_MS = 10

/**
 * The begin of a run, comparable with the times of files: whatever is written after this resolves gets a later
 * timestamp. Waits for the next tick of the clock for timestamps.
 */
export async function readBeginTime(kernel: Kernel | undefined): Promise<bigint> {
  const beginMs = Date.now()
  const beginNs = BigInt(beginMs + 1) * NS_PER_MS
  if (kernel) while (kernel.coarseNowNs() <= beginNs) await setTimeout(1)
  else await setTimeout(TICK_MS)
  return beginNs
}
