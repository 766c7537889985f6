import { type BigIntStats, fdatasync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { errnoOf } from '../../lib/errors.ts'
import { NS_PER_MS, NS_PER_SECOND } from '../../lib/time-units.ts'

const fdatasyncAsync = promisify(fdatasync)

/** The kernel stamps files with a clock that ticks at least every 10 ms. */
const TICK_MS = 20
/** For file systems with times in whole seconds; FAT has steps of two seconds. */
const COARSE_TICK_NS = 2_000_000_000n
/** Errors that mean that the file, or its file system, has no pages to write. */
const NOTHING_TO_FLUSH = ['EINVAL', 'EROFS', 'ENOSYS', 'EOPNOTSUPP']

/**
 * Call it between the fstat and the first read of a file that changed since the volume was flushed: from here on, each
 * write through mmap updates its timestamps, and is thus detected. False if that is impossible.
 */
export async function flushWrites(fd: number, stat: BigIntStats, beganNs: bigint): Promise<boolean> {
  const { ctimeNs } = stat
  if (areWritesFlushed(stat, beganNs)) return true
  // A write in the same tick would not change the timestamp.
  if (BigInt(Date.now()) * NS_PER_MS < ctimeNs + BigInt(TICK_MS) * NS_PER_MS) await setTimeout(TICK_MS)
  try {
    await fdatasyncAsync(fd)
    return true
  } catch (error) {
    return NOTHING_TO_FLUSH.includes(errnoOf(error) ?? '')
  }
}

/** Whether the file is unchanged since the volume was flushed. */
export function areWritesFlushed({ ctimeNs }: Pick<BigIntStats, 'ctimeNs'>, beganNs: bigint): boolean {
  return ctimeNs + tickNs(ctimeNs) < beganNs
}

function tickNs(timeNs: bigint): bigint {
  return timeNs % NS_PER_SECOND === 0n ? COARSE_TICK_NS : BigInt(TICK_MS) * NS_PER_MS
}
