import type { TreeWarning } from './entry.ts'
import type { Looker } from './look.ts'
import { SMALL_FILE } from './read-cached.ts'
import type { WalkLog } from './recheck/walk-log.ts'
import type { OpenVolume } from './volume.ts'

export interface WalkOptions {
  signal: AbortSignal
  onWarning(warning: TreeWarning): void
  /** Why a name is not part of the volume, as a sentence without the path; undefined for all that belongs to it. */
  whyLeftOut?(folder: Buffer, name: Buffer): string | undefined
  /** Takes down what the walk sees. */
  log?: WalkLog | undefined
  /** If only a part is walked. */
  part?: WalkPart | undefined
}

/** A part of a volume. */
export interface WalkPart {
  /** The name is in it or leads to it; all others are passed over, with the directories behind them. */
  has(folder: Buffer, name: Buffer): boolean
  /** Only some names of that directory are in it. */
  leadsTo(folder: Buffer): boolean
}

/** How many names are looked at, and small files read, side by side. */
export const SIDE_BY_SIDE = 64

/** Looks at up to SIDE_BY_SIDE names with the same memory each time. `reset` before the next ones. */
export function makeLooker(
  volume: OpenVolume,
  { onWarning }: WalkOptions,
): Looker & {
  reset(): void
  /** Of the names that were looked at last; paths as latin1 text. */
  readonly vanished: ReadonlySet<string>
} {
  const arena = Buffer.allocUnsafeSlow(SIDE_BY_SIDE * SMALL_FILE)
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
