import { closeSync } from 'node:fs'
import { BackupdError } from '../../lib/errors.ts'
import { type Chosen, type ChosenFiles, EVERYTHING } from '../../volume/tree/chosen-paths.ts'
import type { TreeEntry, TreeWarning } from '../../volume/tree/entry.ts'
import type { OnProtected } from '../../volume/tree/on-protected.ts'
import { explainWriteError, isRefusal } from '../../volume/tree/write-errors.ts'
import { TreeWriter } from '../../volume/tree/write-tree.ts'
import type { VolumeTree } from '../read/volume-tree.ts'
import { BlobPlacer, type ContentSource } from './blob-placer.ts'
import { Damage } from './damage.ts'
import { linkItems, type RestoreItem } from './link-items.ts'
import { walkSnapshot } from './walk-snapshot.ts'
import { type FilePlace, type Link, type OpenFile, Window } from './window.ts'

export interface RestoreInput {
  /** Its index is loaded. */
  source: ContentSource
  volume: VolumeTree
  /** An existing empty directory. */
  target: string
  /** Everything, where it is left out. Directories on the way to what is chosen are made too. */
  chosen?: Chosen & Partial<Pick<ChosenFiles, 'saw'>>
  signal: AbortSignal
  /** Totals so far, `bytes` of file content, and what is being written. Called often: keep it cheap. */
  onProgress(done: { bytes: number; files: number; path: Buffer }): void
  onWarning(warning: TreeWarning): void
  /** As TreeWriter has it. */
  onProtected?: OnProtected
}

export interface RestoreSummary {
  /** Everything restored, the root included. */
  entries: number
  /** Names of files, each hard link one. */
  files: number
  /** Bytes of file content. */
  bytes: number
  /** The volume's own metadata, not applied to the target; null where the snapshot does not have it. */
  root: TreeEntry | null
  /** What could not be restored exactly; each was a warning. */
  faults: number
}

/**
 * Writes a volume of a snapshot, or what is chosen of it, into an empty directory, and puts it on the disk. Everything
 * but the root gets its metadata. What the file system refuses is a warning. Blocks: for a process of its own.
 * Throws SNAPSHOT_CORRUPT, naming the packs and every path that is touched, where any of it is not what was written;
 * NO_ROOM; the signal's reason once aborted. The target is then to be thrown away.
 */
export async function restoreTree(input: RestoreInput): Promise<RestoreSummary> {
  const restoring = new Restoring(input)
  try {
    return await restoring.run()
  } finally {
    await restoring.close()
  }
}

/** Windows being written, besides the one that is being filled. */
const AHEAD = 3

/** One snapshot on its way into one directory. */
class Restoring {
  readonly #input: RestoreInput
  readonly #placer: BlobPlacer<FilePlace>
  readonly #writer: TreeWriter
  readonly #items: AsyncGenerator<RestoreItem[], undefined>
  readonly #damage = new Damage()
  readonly #open = new Set<OpenFile>()
  readonly #done = { bytes: 0, files: 0, entries: 0 }
  readonly #flying: { window: Window; placed: Promise<void> }[] = []
  #window = new Window()
  #faults = 0
  /** What ends it: a disk that is full, or broken. */
  #fatal: { error: unknown } | undefined

  constructor(input: RestoreInput) {
    const { source, chosen = EVERYTHING, signal, volume } = input
    this.#input = input
    this.#writer = new TreeWriter(input.target, (warning) => this.#warn(warning), input.onProtected)
    this.#items = linkItems(walkSnapshot({ source, chosen, damage: this.#damage, signal }, volume.tree))
    this.#placer = new BlobPlacer({
      ...{ source, signal },
      onPlaced: ({ file }, bytes) => this.#tookPiece(file, bytes),
      onFailed: ({ file }, error) => this.#failed(file, error),
    })
  }

  async run(): Promise<RestoreSummary> {
    for await (const items of this.#items) {
      for (const item of items) {
        this.#input.signal.throwIfAborted()
        await this.#take(item)
      }
    }
    await this.#launch()
    while (this.#flying.length > 0) await this.#land()
    if (this.#damage.found) throw this.#damage.asError()
    this.#writer.finish()
    const { root } = this.#input.volume
    const { entries, files, bytes } = this.#done
    return { entries: entries + (root ? 1 : 0), files, bytes, root, faults: this.#faults }
  }

  async close(): Promise<void> {
    // Before any file is closed: a thread must not write to a number that means another file by then.
    await this.#placer[Symbol.asyncDispose]()
    for (const { fd } of this.#open) closeAnyway(fd)
    this.#writer.close()
    await this.#items.return(undefined).catch(() => {})
  }

  async #take(item: RestoreItem): Promise<void> {
    const { entry } = item.node
    this.#input.chosen?.saw?.(entry.path)
    if (item.linkTo) this.#window.links.push({ path: entry.path, target: item.linkTo })
    else if (entry.type === 'file') await this.#takeFile(item)
    else if (await this.#writer.write(entry, NOTHING)) this.#count(entry.path)
    if (this.#window.isFull) await this.#launch()
  }

  async #takeFile({ node: { entry }, content }: RestoreItem): Promise<void> {
    const fd = this.#writer.beginFile(entry)
    if (fd === undefined) return
    const file: OpenFile = { entry, fd, placed: 0, fault: undefined }
    this.#open.add(file)
    let position = 0
    for (const id of content) {
      if (this.#window.isFull) await this.#launch()
      const where = this.#input.source.locate('data', id)
      this.#window.add({ id, where }, { file, fd, position })
      position += where?.plainLength ?? 0
    }
    this.#window.files.push(file)
  }

  /** Has the window written, and waits for an earlier one where too many are being written. */
  async #launch(): Promise<void> {
    this.#throwIfFatal()
    const window = this.#window
    this.#window = new Window()
    const placed = this.#placer.place(window.blobs)
    // Whoever lands it hears of it.
    placed.catch(() => {})
    this.#flying.push({ window, placed })
    if (this.#flying.length > AHEAD) await this.#land()
  }

  /** In their order: what a file has in earlier windows is written by then, and what a link leads to is there. */
  async #land(): Promise<void> {
    const next = this.#flying.shift()
    if (!next) return
    await next.placed
    this.#throwIfFatal()
    for (const file of next.window.files) this.#endFile(file)
    for (const link of next.window.links) this.#link(link)
  }

  /** A file that is damaged says so, also where it was refused. */
  #failed(file: OpenFile, error: unknown): void {
    const isDamage = error instanceof BackupdError
    if (isDamage || file.fault === undefined) file.fault = error
    if (!isDamage && !isRefusal(error)) this.#fatal ??= { error: explainWriteError(error, file.entry.path) }
  }

  #throwIfFatal(): void {
    if (this.#fatal) throw this.#fatal.error
  }

  #tookPiece(file: OpenFile, bytes: number): void {
    file.placed += bytes
    this.#done.bytes += bytes
    this.#tell(file.entry.path)
  }

  #endFile(file: OpenFile): void {
    this.#open.delete(file)
    if (this.#wrote(file)) {
      this.#done.files++
      this.#count(file.entry.path)
    } else this.#done.bytes -= file.placed
  }

  #wrote({ entry, fd, placed, fault }: OpenFile): boolean {
    if (fault instanceof BackupdError) {
      this.#writer.dropFile(entry, fd)
      this.#damage.add(entry.path, fault)
      return false
    }
    if (fault) return this.#writer.failFile(entry, fd, fault)
    if (placed !== entry.size) this.#wrongSize(entry, placed)
    return this.#writer.endFile(entry, fd, placed)
  }

  #link({ path, target }: Link): void {
    if (this.#damage.has(target)) {
      this.#damage.touch(path)
      return
    }
    const linked = this.#writer.hardLink(path, target)
    if (linked === 'file') this.#done.files++
    if (linked) this.#count(path)
  }

  #count(path: Buffer): void {
    this.#done.entries++
    this.#tell(path)
  }

  #tell(path: Buffer): void {
    this.#input.onProgress({ bytes: this.#done.bytes, files: this.#done.files, path })
  }

  #wrongSize({ path, size }: TreeEntry, written: number): void {
    this.#warn({
      severity: 'fault',
      path,
      message: `is ${written} bytes, of which the snapshot says ${size}`,
    })
  }

  #warn(warning: TreeWarning): void {
    if (warning.severity === 'fault') this.#faults += warning.count ?? 1
    this.#input.onWarning(warning)
  }
}

/** Of a target that is thrown away. */
function closeAnyway(fd: number): void {
  try {
    closeSync(fd)
  } catch {
    // It is closed all the same (close(2)).
  }
}

const NOTHING = { next: async () => null }
