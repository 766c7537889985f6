import { randomBytes } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, unlinkSync } from 'node:fs'
import { loadKernel } from '../../lib/kernel.ts'
import type { Losses } from './losses.ts'
import type { OutputFolder } from './write-folder.ts'

const PROBE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
/** An odd second with nine decimal places, so that any rounding of the file system is visible. */
const PROBE_NS = 1_000_000_001_987_654_321n
const GRANULARITIES_NS = [1n, 100n, 1000n, 1_000_000n, 10_000_000n, 1_000_000_000n, 2_000_000_000n]

/** Counts entries whose times the target's file system cannot store exactly. Probes the granularity once. */
export class CoarseTimes {
  readonly #target: OutputFolder
  readonly #losses: Losses
  #granularityNs: bigint | undefined

  constructor(target: OutputFolder, losses: Losses) {
    this.#target = target
    this.#losses = losses
  }

  /** @param read reads the time that the file system stored for this entry; undefined if that is not known */
  note(path: Buffer, mtimeNs: bigint, read: () => bigint | undefined): void {
    if (isFar(mtimeNs) && isClamped(mtimeNs, read())) {
      this.#losses.add(
        'the nearest possible times were set, because the file system cannot store those of %',
        path,
      )
      return
    }
    this.#granularityNs ??= probeGranularity(this.#target)
    if (mtimeNs % this.#granularityNs === 0n) return
    this.#losses.add(
      `the file system keeps times to ${formatGranularity(this.#granularityNs)}: those of % are rounded`,
      path,
    )
  }
}

/** Every file system can store seconds of 31 bits. */
const FAR_NS = 2n ** 31n * 1_000_000_000n
const COARSEST_NS = 2_000_000_000n

function isFar(ns: bigint): boolean {
  return ns < 0n || ns >= FAR_NS
}

function isClamped(wanted: bigint, kept: bigint | undefined): boolean {
  if (kept === undefined) return false
  const off = wanted - kept
  return off > COARSEST_NS || off < -COARSEST_NS
}

function formatGranularity(ns: bigint): string {
  return ns >= 1_000_000_000n ? `${ns / 1_000_000_000n} s` : `${ns} ns`
}

/** The granularity in nanoseconds; 1 if the file system is exact, or if that cannot be determined. */
function probeGranularity(target: OutputFolder): bigint {
  const place = target.at(Buffer.from(`.times-${randomBytes(12).toString('hex')}`))
  const kernel = loadKernel()
  if (!kernel) return 1n
  const fd = openSync(place, PROBE_FLAGS, 0o600)
  try {
    unlinkSync(place)
    kernel.futimens(fd, { mtimeNs: PROBE_NS })
    const kept = fstatSync(fd, { bigint: true }).mtimeNs
    return GRANULARITIES_NS.findLast((ns) => kept === PROBE_NS - (PROBE_NS % ns)) ?? 1n
  } finally {
    closeSync(fd)
  }
}
