// Restores a volume of a snapshot into an empty directory. The main thread walks the trees (walk-snapshot.ts) and
// collects content in windows (window.ts); a pool of threads (place-pool.ts) decrypts it and writes it into the files.
// plan-restore.ts and measure-restore.ts answer what a restore would do without reading content. The store uses it for
// recovers. It knows no series, and does not touch the volume itself: src/volume/swap puts the result in place.

import { closeSync } from 'node:fs'
import { BackupdError } from '../../lib/errors.ts'
import { type Chosen, type ChosenFiles, EVERYTHING } from '../../volume/tree/chosen-paths.ts'
import type { TreeEntry, TreeWarning } from '../../volume/tree/entry.ts'
import type { OnProtected } from '../../volume/tree/on-protected.ts'
import { explainWriteError, isRefusal } from '../../volume/tree/write-errors.ts'
import { TreeWriter } from '../../volume/tree/write-tree.ts'
import type { VolumeTree } from '../read/volume-tree.ts'
import { BlobPlacer, type BlobSource } from './blob-placer.ts'
import { Damage } from './damage.ts'
import { linkItems, type RestoreItem } from './link-items.ts'
import { walkSnapshot } from './walk-snapshot.ts'
import {
  chooseWindowLimits,
  type Link,
  type PlaceInFile,
  type RestoredFile,
  Window,
  type WindowLimits,
} from './window.ts'

export interface RestoreInput {
  /** A repository whose index is loaded. */
  source: BlobSource
  volume: VolumeTree
  /** An existing empty directory. */
  target: string
  /** Default: everything. Parent directories of chosen entries are restored too. */
  chosen?: Chosen & Partial<Pick<ChosenFiles, 'noteFound'>>
  signal: AbortSignal
  /** Totals so far (`bytes` of file content) and the path that is being written. Called often: keep it cheap. */
  onProgress(done: { bytes: number; files: number; path: Buffer }): void
  onWarning(warning: TreeWarning): void
  /** Passed on to TreeWriter. */
  onProtected?: OnProtected
}

export interface RestoreSummary {
  /** All restored entries, the root included. */
  entries: number
  /** Names of files; each hard link counts. */
  files: number
  /** Bytes of file content. */
  bytes: number
  /** The metadata of the volume itself, not applied to the target; null if the snapshot does not have it. */
  root: TreeEntry | null
  /** Entries that could not be restored exactly; each caused a warning. */
  faults: number
}

/**
 * Restores a volume of a snapshot, or the chosen part, into an empty directory and syncs it to disk. Everything except
 * the root gets its metadata. What the file system refuses causes a warning. Blocks the event loop: use it in a
 * process of its own. Throws SNAPSHOT_CORRUPT with the damaged packs and all affected paths, NO_ROOM, or the signal's
 * reason once aborted; the caller must then discard the target.
 */
export async function restoreTree(input: RestoreInput): Promise<RestoreSummary> {
  const restoring = new Restoring(input)
  try {
    return await restoring.run()
  } finally {
    await restoring.close()
  }
}

/** Windows that may be written at the same time, besides the one that is being filled. */
const MAX_WRITING = 3

/** The restore of one snapshot into one directory. */
class Restoring {
  readonly #input: RestoreInput
  readonly #placer: BlobPlacer<PlaceInFile>
  readonly #writer: TreeWriter
  readonly #items: AsyncGenerator<RestoreItem[], undefined>
  readonly #damage = new Damage()
  readonly #open = new Set<RestoredFile>()
  readonly #done = { bytes: 0, files: 0, entries: 0 }
  readonly #writing: { window: Window; placed: Promise<void> }[] = []
  readonly #limits: WindowLimits
  #window: Window
  #faults = 0
  /** An error that ends the restore: a full or broken disk. */
  #fatal: { error: unknown } | undefined

  constructor(input: RestoreInput) {
    const { source, chosen = EVERYTHING, signal, volume } = input
    this.#input = input
    this.#limits = chooseWindowLimits(source.place.driver)
    this.#window = new Window(this.#limits)
    this.#writer = new TreeWriter(input.target, (warning) => this.#warn(warning), input.onProtected)
    this.#items = linkItems(walkSnapshot({ source, chosen, damage: this.#damage, signal }, volume.tree))
    this.#placer = new BlobPlacer({
      source,
      signal,
      onPlaced: ({ file }, bytes) => this.#addPlaced(file, bytes),
      onFailed: ({ file }, error) => this.#failed(file, error),
    })
  }

  async run(): Promise<RestoreSummary> {
    for await (const items of this.#items) {
      for (const item of items) {
        this.#input.signal.throwIfAborted()
        await this.#restore(item)
      }
    }
    await this.#writeWindow()
    while (this.#writing.length > 0) await this.#finishWindow()
    if (this.#damage.found) throw this.#damage.asError()
    this.#writer.finish()
    const { root } = this.#input.volume
    const { entries, files, bytes } = this.#done
    return { entries: entries + (root ? 1 : 0), files, bytes, root, faults: this.#faults }
  }

  async close(): Promise<void> {
    // The threads end before any file is closed: they must not write to a descriptor number that was reused.
    await this.#placer[Symbol.asyncDispose]()
    for (const { fd } of this.#open) closeAnyway(fd)
    this.#writer.close()
    await this.#items.return(undefined).catch(() => {})
  }

  async #restore(item: RestoreItem): Promise<void> {
    const { entry } = item.node
    this.#input.chosen?.noteFound?.(entry.path)
    if (item.linkTo) this.#window.links.push({ path: entry.path, target: item.linkTo })
    else if (entry.type === 'file') await this.#beginFile(item)
    else if (await this.#writer.write(entry, NOTHING)) this.#count(entry.path)
    if (this.#window.isFull) await this.#writeWindow()
  }

  async #beginFile({ node: { entry }, content }: RestoreItem): Promise<void> {
    const fd = this.#writer.beginFile(entry)
    if (fd === undefined) return
    const file: RestoredFile = { entry, fd, placed: 0, fault: undefined }
    this.#open.add(file)
    let position = 0
    for (const id of content) {
      if (this.#window.isFull) await this.#writeWindow()
      const where = this.#input.source.locate('data', id)
      this.#window.add({ id, where }, { file, fd, position })
      position += where?.plainLength ?? 0
    }
    this.#window.files.push(file)
  }

  /** Starts to write the window, and waits for an earlier one if too many are being written. */
  async #writeWindow(): Promise<void> {
    this.#throwIfFatal()
    const window = this.#window
    this.#window = new Window(this.#limits)
    const placed = this.#placer.place(window.blobs)
    // finishWindow() gets the error.
    placed.catch(() => {})
    this.#writing.push({ window, placed })
    if (this.#writing.length > MAX_WRITING) await this.#finishWindow()
  }

  /** Finishes windows in order, so that all earlier parts of a file, and the targets of links, are written. */
  async #finishWindow(): Promise<void> {
    const next = this.#writing.shift()
    if (!next) return
    await next.placed
    this.#throwIfFatal()
    for (const file of next.window.files) this.#endFile(file)
    for (const link of next.window.links) this.#link(link)
  }

  /** Damage takes precedence over a refusal of the file system. */
  #failed(file: RestoredFile, error: unknown): void {
    const isDamage = error instanceof BackupdError
    if (isDamage || file.fault === undefined) file.fault = error
    if (!isDamage && !isRefusal(error)) this.#fatal ??= { error: explainWriteError(error, file.entry.path) }
  }

  #throwIfFatal(): void {
    if (this.#fatal) throw this.#fatal.error
  }

  #addPlaced(file: RestoredFile, bytes: number): void {
    file.placed += bytes
    this.#done.bytes += bytes
    this.#report(file.entry.path)
  }

  #endFile(file: RestoredFile): void {
    this.#open.delete(file)
    if (this.#completeFile(file)) {
      this.#done.files++
      this.#count(file.entry.path)
    } else this.#done.bytes -= file.placed
  }

  #completeFile({ entry, fd, placed, fault }: RestoredFile): boolean {
    if (fault instanceof BackupdError) {
      this.#writer.dropFile(entry, fd)
      this.#damage.add(entry.path, fault)
      return false
    }
    if (fault) return this.#writer.failFile(entry, fd, fault)
    if (placed !== entry.size) this.#warnOfSize(entry, placed)
    return this.#writer.endFile(entry, fd, placed)
  }

  #link({ path, target }: Link): void {
    if (this.#damage.has(target)) {
      this.#damage.addPath(path)
      return
    }
    const linked = this.#writer.hardLink(path, target)
    if (linked === 'file') this.#done.files++
    if (linked) this.#count(path)
  }

  #count(path: Buffer): void {
    this.#done.entries++
    this.#report(path)
  }

  #report(path: Buffer): void {
    this.#input.onProgress({ bytes: this.#done.bytes, files: this.#done.files, path })
  }

  #warnOfSize({ path, size }: TreeEntry, written: number): void {
    this.#warn({
      severity: 'fault',
      path,
      message: `has ${written} bytes, but ${size} in the snapshot's list`,
    })
  }

  #warn(warning: TreeWarning): void {
    if (warning.severity === 'fault') this.#faults += warning.count ?? 1
    this.#input.onWarning(warning)
  }
}

/** Closes a file of a target that is discarded. */
function closeAnyway(fd: number): void {
  try {
    closeSync(fd)
  } catch {
    // The descriptor is closed even after an error (close(2)).
  }
}

const NOTHING = { next: async () => null }
