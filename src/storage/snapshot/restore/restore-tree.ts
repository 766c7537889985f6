import { BackupdError } from '../../../lib/errors.ts'
import { type Chosen, type ChosenFiles, EVERYTHING } from '../../tree/chosen-paths.ts'
import type { TreeEntry, TreeWarning } from '../../tree/entry.ts'
import { TreeWriter } from '../../tree/write-tree.ts'
import type { VolumeTree } from '../read/volume-tree.ts'
import { BlobLoader, type ContentSource } from './blob-loader.ts'
import { ContentAhead } from './content-ahead.ts'
import { Damage } from './damage.ts'
import { linkItems, type RestoreItem } from './link-items.ts'
import { walkSnapshot } from './walk-snapshot.ts'

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

/** One snapshot on its way into one directory. */
class Restoring {
  private readonly input: RestoreInput
  private readonly loader: BlobLoader
  private readonly writer: TreeWriter
  private readonly ahead: ContentAhead<RestoreItem>
  private readonly items: AsyncGenerator<RestoreItem[], undefined>
  private readonly damage = new Damage()
  private readonly done = { bytes: 0, files: 0, entries: 0 }
  private faults = 0

  constructor(input: RestoreInput) {
    const { source, chosen = EVERYTHING, signal, volume } = input
    this.input = input
    this.writer = new TreeWriter(input.target, (warning) => this.warn(warning))
    this.loader = new BlobLoader(source, signal)
    this.items = linkItems(walkSnapshot({ source, chosen, damage: this.damage, signal }, volume.tree))
    this.ahead = new ContentAhead(this.items, {
      loader: this.loader,
      sizeOf: (id) => source.locate('data', id)?.plainLength ?? 0,
    })
  }

  async run(): Promise<RestoreSummary> {
    for (let item = await this.ahead.nextItem(); item; item = await this.ahead.nextItem()) {
      this.input.signal.throwIfAborted()
      await this.take(item)
    }
    if (this.damage.found) throw this.damage.asError()
    this.writer.finish()
    const { root } = this.input.volume
    const { entries, files, bytes } = this.done
    return { entries: entries + (root ? 1 : 0), files, bytes, root, faults: this.faults }
  }

  async close(): Promise<void> {
    this.writer.close()
    await this.loader[Symbol.asyncDispose]()
    await this.items.return(undefined).catch(() => {})
  }

  private async take(item: RestoreItem): Promise<void> {
    const { entry } = item.node
    this.input.chosen?.saw?.(entry.path)
    if (item.linkTo) this.link(item, item.linkTo)
    else if (entry.type === 'file') await this.writeFile(item)
    else this.count(await this.writer.write(entry, NOTHING), false)
    this.input.onProgress({ bytes: this.done.bytes, files: this.done.files, path: entry.path })
  }

  private link({ node }: RestoreItem, first: Buffer): void {
    const { path } = node.entry
    if (this.damage.has(first)) this.damage.touch(path)
    else {
      const linked = this.writer.hardLink(path, first)
      this.count(linked !== undefined, linked === 'file')
    }
  }

  private async writeFile({ node: { entry }, content }: RestoreItem): Promise<void> {
    const pieces = new Pieces(this.ahead, content.length)
    const before = this.done.bytes
    const next = async () => {
      const piece = await pieces.next()
      this.done.bytes += piece?.length ?? 0
      if (piece && pieces.left > 0) this.progressWithin(entry.path)
      return piece
    }
    const written = await this.unlessDamaged(entry.path, () =>
      this.writer.write(entry, { next, findHoles: true }),
    )
    await this.unlessDamaged(entry.path, () => pieces.drain())
    if (!written) this.done.bytes = before
    else if (this.done.bytes - before !== entry.size) this.wrongSize(entry, this.done.bytes - before)
    this.count(written === true, true)
  }

  /** Undefined, and noted, where it is damaged. */
  private async unlessDamaged<T>(path: Buffer, act: () => Promise<T>): Promise<T | undefined> {
    try {
      return await act()
    } catch (error) {
      this.damage.add(path, error)
      return undefined
    }
  }

  private progressWithin(path: Buffer): void {
    this.input.signal.throwIfAborted()
    this.input.onProgress({ bytes: this.done.bytes, files: this.done.files, path })
  }

  private count(restored: boolean, isFile: boolean): void {
    if (restored) this.done.entries++
    if (restored && isFile) this.done.files++
  }

  private wrongSize({ path, size }: TreeEntry, written: number): void {
    this.warn({ severity: 'fault', path, message: `is ${written} bytes, of which the snapshot says ${size}` })
  }

  private warn(warning: TreeWarning): void {
    if (warning.severity === 'fault') this.faults++
    this.input.onWarning(warning)
  }
}

const NOTHING = { next: async () => null }

/** The content of one file. */
class Pieces {
  left: number
  private readonly ahead: ContentAhead<RestoreItem>

  constructor(ahead: ContentAhead<RestoreItem>, count: number) {
    this.ahead = ahead
    this.left = count
  }

  /** Null at the end. Throws SNAPSHOT_CORRUPT. */
  async next(): Promise<Buffer | null> {
    if (this.left === 0) return null
    this.left--
    const piece = await this.ahead.nextPiece()
    if (piece instanceof BackupdError) throw piece
    return piece.length === 0 ? await this.next() : piece
  }

  /** Goes past what was not taken. Throws the last fault in it, once all of it is passed. */
  async drain(): Promise<void> {
    let fault: BackupdError | undefined
    for (; this.left > 0; this.left--) {
      const piece = await this.ahead.nextPiece()
      if (piece instanceof BackupdError) fault = piece
    }
    if (fault) throw fault
  }
}
