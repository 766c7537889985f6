import { lstat } from 'node:fs/promises'
import { allKnown } from '../../../lib/all-known.ts'
import { MAX_CONCURRENT } from '../inspector.ts'
import { joinPath } from '../join-path.ts'
import { childPlace, type Pin } from '../pin.ts'
import type { OpenVolume } from '../volume.ts'
import { pinFolder, unpinFolder } from './pin-below.ts'
import type { RecheckSteps } from './recheck-steps.ts'
import type { LoggedFolder, LoggedName, WalkLog } from './walk-log.ts'

export interface ChangedFiles {
  count: number
  /** Paths of the first of them. */
  names: Buffer[]
}

export interface ChangedFilesOptions {
  /** When the run began. */
  beginNs: bigint
  steps: RecheckSteps
}

/** The ctime; null if the file is gone, undefined if it cannot be read. */
type SeenTime = bigint | null | undefined

const MAX_NAMES = 100
/** A call that took longer had to wait for a disk or a server: the next names are then read concurrently. */
const BLOCKED_MS = 0.2

/**
 * Checks each file that a walk saw again, and counts those that changed or were deleted since the run began. Each of
 * them is consistent in the backup, but together they may be from different moments.
 */
export async function findChangedFiles(
  volume: OpenVolume,
  log: WalkLog,
  options: ChangedFilesOptions,
): Promise<ChangedFiles> {
  const search = new ChangeSearch(volume, options)
  for (let index = 0; index < log.folderCount; index++) {
    const folder = log.folderAt(index)
    if (folder && folder.lastNames !== 0) await search.checkFolder(folder, log)
  }
  return search.found
}

class ChangeSearch {
  readonly found: ChangedFiles = { count: 0, names: [] }
  readonly #volume: OpenVolume
  readonly #options: ChangedFilesOptions
  /** How many of the next calls must not block, because an earlier one had to wait. */
  #concurrent = 0

  constructor(volume: OpenVolume, options: ChangedFilesOptions) {
    this.#volume = volume
    this.#options = options
  }

  async checkFolder(folder: LoggedFolder, log: WalkLog): Promise<void> {
    const { steps } = this.#options
    await steps.next(folder.path)
    const pin = await steps.attempt(folder.path, () => pinFolder(this.#volume, folder.path))
    if (pin === undefined) return
    const sameMount = pin && pin.stat.dev === folder.device ? pin : null
    try {
      for (const names of log.names(folder)) {
        const files = names.filter(({ type }) => type === 'file')
        for (let at = 0; at < files.length; at += MAX_CONCURRENT)
          await this.#checkFiles(folder.path, sameMount, files.slice(at, at + MAX_CONCURRENT))
      }
    } finally {
      if (pin) unpinFolder(this.#volume, pin)
    }
  }

  /** `pin` is null if the directory is gone, and its files with it. */
  async #checkFiles(folder: Buffer, pin: Pin | null, files: LoggedName[]): Promise<void> {
    await this.#options.steps.next(joinPath(folder, files[0]?.name ?? Buffer.alloc(0)))
    const reads = files.map(
      ({ name }) => pin && (this.#fastCtime(pin, name) ?? this.#slowCtime(pin, folder, name)),
    )
    const ctimes = await allKnown<SeenTime>(reads)
    for (const [at, file] of files.entries())
      if (this.#hasChanged(file, ctimes[at])) this.#add(joinPath(folder, file.name))
  }

  /** Undefined if the call might block, or fails. */
  #fastCtime(pin: Pin, name: Buffer): bigint | undefined {
    if (!pin.cached || this.#concurrent > 0) {
      this.#concurrent--
      return undefined
    }
    const began = performance.now()
    const ctime = this.#volume.kernel?.ctimeAt(pin.fd, name)
    if (performance.now() - began > BLOCKED_MS) this.#concurrent = MAX_CONCURRENT
    return ctime
  }

  #slowCtime(pin: Pin, folder: Buffer, name: Buffer): Promise<SeenTime> {
    const read = async () => (await lstat(childPlace(pin, name), { bigint: true })).ctimeNs
    return this.#options.steps.attempt(joinPath(folder, name), read)
  }

  /** A deleted file counts as changed, and so does one that only gained or lost a hard link. */
  #hasChanged(file: LoggedName, seen: SeenTime): boolean {
    if (seen === undefined) return false
    return seen === null || seen > this.#options.beginNs || seen !== file.ctimeNs
  }

  #add(path: Buffer): void {
    this.found.count++
    if (this.found.names.length < MAX_NAMES) this.found.names.push(path)
  }
}
