import { loadKernel } from '../../lib/kernel.ts'

/** From 2^53 seconds on, Node's stat is off by seconds, and may even turn the sign. */
const FIRST_INEXACT_NS = 2n ** 53n * 1_000_000_000n

/** The time of change of what is open or pinned, of which Node's stat says `mtimeNs`. */
export function exactMtimeNs(fd: number, mtimeNs: bigint): bigint {
  if (-FIRST_INEXACT_NS < mtimeNs && mtimeNs < FIRST_INEXACT_NS) return mtimeNs
  return loadKernel()?.mtimeOf(fd) ?? mtimeNs
}
