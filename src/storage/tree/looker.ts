import type { TreeWarning } from './entry.ts'
import { type Looker, SMALL_FILE } from './look.ts'
import type { OpenVolume } from './volume.ts'

export interface WalkOptions {
  signal: AbortSignal
  onWarning(warning: TreeWarning): void
  /** Why a name is not part of the volume, as a sentence without the path; undefined for all that belongs to it. */
  whyLeftOut?(folder: Buffer, name: Buffer): string | undefined
}

/** How many names are looked at, and small files read, side by side. */
export const SIDE_BY_SIDE = 64

/** Looks at up to SIDE_BY_SIDE names with the same memory each time. `reset` before the next ones. */
export function makeLooker(
  volume: OpenVolume,
  { onWarning }: WalkOptions,
): Looker & {
  reset(): void
} {
  const arena = Buffer.allocUnsafeSlow(SIDE_BY_SIDE * SMALL_FILE)
  let used = 0
  return {
    volume,
    room(bytes) {
      used += bytes
      return arena.subarray(used - bytes, used)
    },
    reset() {
      used = 0
    },
    warn: (severity, path, message) => onWarning({ severity, path, message }),
  }
}
