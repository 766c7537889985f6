import type { TreeWarning } from './entry.ts'
import type { Inspector } from './inspect.ts'
import { MAX_SMALL_FILE_BYTES } from './read-cached.ts'
import type { WalkLog } from './recheck/walk-log.ts'
import type { OpenVolume } from './volume.ts'

export interface WalkOptions {
  signal: AbortSignal
  onWarning(warning: TreeWarning): void
  /** Why a name is left out, as a sentence without the path; undefined if it belongs to the volume. */
  whyLeftOut?(folder: Buffer, name: Buffer): string | undefined
  /** Records what the walk sees, for a recheck. */
  log?: WalkLog | undefined
  /** Limits the walk to a part of the volume. */
  part?: WalkPart | undefined
}

/** A part of a volume. */
export interface WalkPart {
  /** The name is in the part, or leads to it. Other names are skipped, and directories are not entered. */
  has(folder: Buffer, name: Buffer): boolean
  /** Only some names of that directory are in the part. */
  leadsTo(folder: Buffer): boolean
}

/** How many names are inspected, and small files read, concurrently. */
export const MAX_CONCURRENT = 64

/** Inspects up to MAX_CONCURRENT names in memory that is used again for the next ones, after `reset`. */
export function createInspector(
  volume: OpenVolume,
  { onWarning }: WalkOptions,
): Inspector & {
  reset(): void
  /** Which of the last inspected names were gone; paths as latin1 text. */
  readonly vanished: ReadonlySet<string>
} {
  const arena = Buffer.allocUnsafeSlow(MAX_CONCURRENT * MAX_SMALL_FILE_BYTES)
  const vanished = new Set<string>()
  let used = 0
  return {
    volume,
    vanished,
    onVanished: (path) => void vanished.add(path.toString('latin1')),
    room(bytes) {
      used += bytes
      return arena.subarray(used - bytes, used)
    },
    reset() {
      used = 0
      vanished.clear()
    },
    warn: (severity, path, message) => onWarning({ severity, path, message }),
  }
}
