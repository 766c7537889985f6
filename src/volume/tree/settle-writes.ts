import { type BigIntStats, fdatasync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { errnoOf } from '../../lib/errors.ts'

const flushed = promisify(fdatasync)

/** The kernel stamps files with a clock that ticks at least every 10 ms. */
const TICK_MS = 20
/** File systems that keep whole seconds; FAT keeps every second one. */
const COARSE_TICK_NS = 2_000_000_000n
const NS_PER_MS = 1_000_000n
const NS_PER_SECOND = 1_000_000_000n
/** The file, or its file system, has no pages to write. */
const NOTHING_TO_FLUSH = ['EINVAL', 'EROFS', 'ENOSYS', 'EOPNOTSUPP']

/**
 * For a file that changed since the volume was flushed, between the fstat that its reading is measured against and
 * its first read: from here on each store to it through mmap moves its timestamps. False if that cannot be had.
 */
export async function settleWrites(fd: number, stat: BigIntStats, beganNs: bigint): Promise<boolean> {
  const { ctimeNs } = stat
  if (areWritesSettled(stat, beganNs)) return true
  // A store in the same tick would leave the timestamp as it is.
  if (BigInt(Date.now()) * NS_PER_MS < ctimeNs + BigInt(TICK_MS) * NS_PER_MS) await setTimeout(TICK_MS)
  try {
    await flushed(fd)
    return true
  } catch (error) {
    return NOTHING_TO_FLUSH.includes(errnoOf(error) ?? '')
  }
}

/** It did not change since the volume was flushed. */
export function areWritesSettled({ ctimeNs }: Pick<BigIntStats, 'ctimeNs'>, beganNs: bigint): boolean {
  return ctimeNs + tickNs(ctimeNs) < beganNs
}

function tickNs(timeNs: bigint): bigint {
  return timeNs % NS_PER_SECOND === 0n ? COARSE_TICK_NS : BigInt(TICK_MS) * NS_PER_MS
}
