import { loadKernel } from '../../lib/kernel.ts'

/** From 2^53 seconds on, Node's stat is wrong by seconds, and may even have the wrong sign. */
const FIRST_INEXACT_NS = 2n ** 53n * 1_000_000_000n

/** The exact mtime of an open or pinned file for which Node's stat returned `mtimeNs`. */
export function exactMtimeNs(fd: number, mtimeNs: bigint): bigint {
  if (-FIRST_INEXACT_NS < mtimeNs && mtimeNs < FIRST_INEXACT_NS) return mtimeNs
  return loadKernel()?.mtimeOf(fd) ?? mtimeNs
}
