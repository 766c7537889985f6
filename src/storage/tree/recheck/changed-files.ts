import { lstat } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { errnoOf } from '../../../lib/errors.ts'
import type { FileStat } from '../../../lib/kernel/stat.ts'
import { joinPath } from '../join-path.ts'
import { SIDE_BY_SIDE } from '../looker.ts'
import { childPlace, type Pin } from '../pin.ts'
import type { OpenVolume } from '../volume.ts'
import { pinFolder, unpinFolder } from './pin-below.ts'
import type { LoggedFolder, LoggedName, WalkLog } from './walk-log.ts'

export interface ChangedFiles {
  count: number
  /** Paths of the first of them. */
  names: Buffer[]
}

export interface ChangedFilesOptions {
  signal: AbortSignal
  /** Of the run. */
  beginNs: bigint
}

const MAX_NAMES = 100
/** A call that took longer has waited for a disk or a server: the next names are looked at side by side. */
const WAITED_MS = 0.2
/** Calls that block are made for so long at most before others get their turn. */
const TURN_MS = 20

/**
 * Looks again at each file that a walk saw, and counts those that changed or went since the run began: they are, each
 * by itself, as they were at some moment, but the backup may hold no moment of all of them together.
 */
export async function findChangedFiles(
  volume: OpenVolume,
  log: WalkLog,
  options: ChangedFilesOptions,
): Promise<ChangedFiles> {
  const search = new ChangeSearch(volume, options)
  for (let index = 0; index < log.folderCount; index++) {
    const folder = log.folderAt(index)
    if (folder && folder.lastNames !== 0) await search.look(folder, log)
  }
  return search.found
}

class ChangeSearch {
  readonly found: ChangedFiles = { count: 0, names: [] }
  readonly #volume: OpenVolume
  readonly #options: ChangedFilesOptions
  #turnBegan = performance.now()
  /** Calls that must not block, because one before them had to wait. */
  #sideBySide = 0

  constructor(volume: OpenVolume, options: ChangedFilesOptions) {
    this.#volume = volume
    this.#options = options
  }

  async look(folder: LoggedFolder, log: WalkLog): Promise<void> {
    const pin = await pinFolder(this.#volume, folder.path)
    try {
      for (const names of log.names(folder)) {
        const files = names.filter(({ type }) => type === 'file')
        for (let at = 0; at < files.length; at += SIDE_BY_SIDE)
          await this.#lookAt(folder.path, pin, files.slice(at, at + SIDE_BY_SIDE))
      }
    } finally {
      if (pin) unpinFolder(this.#volume, pin)
    }
  }

  async #lookAt(folder: Buffer, pin: Pin | undefined, files: LoggedName[]): Promise<void> {
    this.#options.signal.throwIfAborted()
    const waiting = files.map((file) => pin && (this.#fastStat(pin, file.name) ?? slowStat(pin, file.name)))
    const stats = await Promise.all(waiting)
    for (const [at, file] of files.entries())
      if (this.#hasChanged(file, stats[at])) this.#add(joinPath(folder, file.name))
    if (performance.now() - this.#turnBegan < TURN_MS) return
    await setImmediate()
    this.#turnBegan = performance.now()
  }

  /** Undefined if the kernel may have to wait for it, or it fails. */
  #fastStat(pin: Pin, name: Buffer): FileStat | undefined {
    if (!pin.cached || this.#sideBySide > 0) {
      this.#sideBySide--
      return undefined
    }
    const began = performance.now()
    const stat = this.#volume.kernel?.statAt(pin.fd, name)
    if (performance.now() - began > WAITED_MS) this.#sideBySide = SIDE_BY_SIDE
    return stat
  }

  /** Changed, or gone: `stat` is undefined then. Only a name more or less of it is a change too. */
  #hasChanged(file: LoggedName, stat: Pick<FileStat, 'ctimeNs'> | undefined): boolean {
    return !stat || stat.ctimeNs > this.#options.beginNs || stat.ctimeNs !== file.ctimeNs
  }

  #add(path: Buffer): void {
    this.found.count++
    if (this.found.names.length < MAX_NAMES) this.found.names.push(path)
  }
}

async function slowStat(pin: Pin, name: Buffer): Promise<Pick<FileStat, 'ctimeNs'> | undefined> {
  try {
    return await lstat(childPlace(pin, name), { bigint: true })
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return undefined
  }
}
