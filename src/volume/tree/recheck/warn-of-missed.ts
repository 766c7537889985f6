import { SLASH } from '../../../lib/byte-paths.ts'
import type { WalkOptions } from '../inspector.ts'
import { joinPath } from '../join-path.ts'
import { openNames } from '../name-stream.ts'
import { type Pin, pinChild, unpin } from '../pin.ts'
import { readEntryType } from '../stat-entry.ts'
import type { OpenVolume } from '../volume.ts'
import type { Missed } from './missed.ts'
import { pinFolder, unpinFolder } from './pin-below.ts'
import type { RecheckSteps } from './recheck-steps.ts'
import type { WalkLog } from './walk-log.ts'

/** Limit of entries checked in a directory that keeps changing; the rest may contain older ones. */
const MAX_CHECKED = 10_000
const MAX_LISTED = 20

export interface WarnOptions extends Pick<WalkOptions, 'onWarning'> {
  log: WalkLog
  beginNs: bigint
  steps: RecheckSteps
}

/**
 * Warns about entries that are not in the backup because they appeared in a directory after it was walked again. It
 * is a fault if such an entry is older than the run and was not seen elsewhere: it was moved, and may be missing.
 */
export async function warnOfMissed(volume: OpenVolume, missed: Missed, options: WarnOptions): Promise<void> {
  for (const [key, names] of missed.folders) {
    const path = Buffer.from(key, 'latin1')
    const folder = await options.steps.attempt(path, () => pinFolder(volume, path))
    if (!folder) continue
    const search = new OlderSearch(volume, options)
    try {
      for (let place = 0; place < names.count; place++)
        await search.check(folder, joinPath(path, names.at(place).name))
    } finally {
      unpinFolder(volume, folder)
    }
    warn(path, search, options)
  }
}

function warn(folder: Buffer, search: OlderSearch, { log, onWarning }: WarnOptions): void {
  const seen = log.findInodes(new Set(search.older.map(({ inode }) => inode)))
  const older = search.older.filter(({ inode }) => !seen.has(inode))
  const message = 'was moved here while the volume was read, and may be missing in the backup'
  for (const { path } of older.slice(0, MAX_LISTED)) onWarning({ severity: 'fault', path, message })
  const more = older.length - MAX_LISTED
  if (more > 0) onWarning({ severity: 'fault', path: folder, message: `${more} more: each ${message}` })
  if (search.isCutShort)
    onWarning({ severity: 'fault', path: folder, message: 'has too many new entries: some may be missing' })
  else if (older.length === 0)
    onWarning({
      severity: 'note',
      path: folder,
      message: 'keeps changing: the backup lacks its newest entries',
    })
}

/** Finds entries that are older than the run, by their birth time. */
class OlderSearch {
  readonly older: { path: Buffer; inode: bigint }[] = []
  readonly #volume: OpenVolume
  readonly #options: WarnOptions
  #left = MAX_CHECKED

  constructor(volume: OpenVolume, options: WarnOptions) {
    this.#volume = volume
    this.#options = options
  }

  get isCutShort(): boolean {
    return this.#left < 0
  }

  /** Checks an entry of a directory and, if it is a new directory, its content. */
  async check(folder: Pin, path: Buffer): Promise<void> {
    const { beginNs, steps } = this.#options
    await steps.next(path)
    if (this.#left-- <= 0) return
    const name = path.subarray(path.lastIndexOf(SLASH) + 1)
    const pin = await steps.attempt(path, () => pinChild(folder, name, this.#volume.kernel))
    if (!pin) return
    try {
      if (isOlder(pin, beginNs)) this.older.push({ path, inode: pin.stat.ino })
      else if (readEntryType(pin.stat) === 'directory' && pin.stat.dev === folder.stat.dev)
        await steps.attempt(path, () => this.#checkContent(pin, path))
    } finally {
      unpin(pin)
    }
  }

  async #checkContent(folder: Pin, path: Buffer): Promise<void> {
    const names = await openNames(folder.place, folder.cached)
    try {
      for (let some = await names.next(1); some.length > 0; some = await names.next(1))
        for (const { name } of some) await this.check(folder, joinPath(path, name))
    } finally {
      await names.close()
    }
  }
}

/** The birth time is 0 if the file system does not record it; the mtime is then used instead. */
function isOlder({ stat }: Pin, beginNs: bigint): boolean {
  return (stat.birthtimeNs > 0n ? stat.birthtimeNs : stat.mtimeNs) <= beginNs
}
