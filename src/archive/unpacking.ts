import { createHash } from 'node:crypto'
import { bytesToText } from '../lib/byte-paths.ts'
import { BackupdError } from '../lib/errors.ts'
import type { ChosenFiles } from '../volume/tree/chosen-paths.ts'
import type { EntryType, TreeEntry, TreeWarning } from '../volume/tree/entry.ts'
import type { OnProtected } from '../volume/tree/on-protected.ts'
import type { UnpackSummary } from '../volume/tree/unpack-summary.ts'
import { TreeWriter } from '../volume/tree/write-tree.ts'
import { corrupt, unsafe } from './archive-fault.ts'
import { ArchivePaths } from './archive-paths.ts'
import { ByteStream } from './byte-stream.ts'
import { readTarEntries, type TarEntry } from './tar-entries.ts'
import { explainUnpackError } from './unpack-error.ts'

/** Where to unpack, and what. */
export interface UnpackInto {
  /** An existing empty directory. */
  target: string
  /** The files to unpack; their parent folders are unpacked too. Default: everything. */
  chosen?: ChosenFiles | undefined
  signal: AbortSignal
  /** Totals so far (`bytes` of file content) and the path that is being written. Called often: keep it cheap. */
  onProgress(done: { bytes: number; files: number; path: Buffer }): void
  onWarning(warning: TreeWarning): void
  /** Passed on to TreeWriter. */
  onProtected?: OnProtected
}

/** A tar stream. */
export interface UnpackSource {
  pieces: AsyncIterable<Buffer>
  /** The hex sha256 of the content of the next entry, if it is known. Called once for each entry. */
  nextHash?(): string | null
  /** Whether an archive without entries may be meant so. */
  mayBeEmpty: boolean
  /** Called once all pieces were read. */
  end(): Promise<void>
}

/** The content of an entry in the stream. */
interface ContentInStream {
  stored: number
  sha256: string | null
}

/** Unpacks one tar stream into one directory. See unpackArchive(). */
export class Unpacking {
  readonly #input: UnpackInto
  readonly #source: UnpackSource
  readonly #stream: ByteStream
  readonly #writer: TreeWriter
  readonly #paths: ArchivePaths
  readonly #done = { bytes: 0, files: 0, entries: 0 }
  #root: TreeEntry | null = null
  #refused = 0
  #faults = 0
  /** The entry that is being read, for messages. */
  #current: Buffer | undefined

  constructor(input: UnpackInto, source: UnpackSource) {
    this.#input = input
    this.#source = source
    this.#stream = new ByteStream(source.pieces)
    this.#writer = new TreeWriter(input.target, (warning) => this.#warn(warning), input.onProtected)
    this.#paths = new ArchivePaths((top) => this.#restoreTop(top))
  }

  /** @param folders that are not in the stream */
  async unpack(folders: readonly TreeEntry[] = []): Promise<UnpackSummary> {
    try {
      for (const folder of folders) await this.#restoreFolder(folder)
      return await this.#unpackStream()
    } catch (error) {
      // Adds the position to errors that the archive caused.
      throw explainUnpackError(error, { position: this.#stream.position, entry: this.#current })
    } finally {
      this.#writer.close()
      await this.#stream.close().catch(() => {})
    }
  }

  async #unpackStream(): Promise<UnpackSummary> {
    for await (const entry of readTarEntries(this.#stream)) {
      this.#input.signal.throwIfAborted()
      this.#current = entry.name
      await this.#unpackEntry(entry, this.#source.nextHash?.() ?? null)
    }
    await this.#readToEnd()
    this.#checkNotEmpty()
    this.#writer.finish()
    const { entries, files, bytes } = this.#done
    return { entries: entries + (this.#root ? 1 : 0), files, bytes, root: this.#root, faults: this.#faults }
  }

  async #restoreFolder(folder: TreeEntry): Promise<void> {
    if (folder.path.length === 0) this.#root = folder
    else await this.#write(folder, { stored: 0, sha256: null })
  }

  async #unpackEntry(entry: TarEntry, sha256: string | null): Promise<void> {
    const path = this.#paths.resolve(entry.name, entry.type === 'directory')
    if (path.length > 0 && !this.#isWanted(entry, path)) return
    for (const message of entry.doubts) this.#warn({ severity: 'fault', path, message })
    if (path.length === 0) this.#root = toRootEntry(entry)
    else if (entry.type === 'hardlink') this.#link(path, entry)
    else await this.#write(makeUnpackedEntry(entry.type, path, entry), { stored: entry.stored, sha256 })
  }

  #isWanted({ type }: TarEntry, path: Buffer): boolean {
    const { chosen } = this.#input
    if (!chosen) return true
    chosen.noteFound(path)
    const choice = chosen.of(path)
    return choice === 'all' || (choice === 'ancestor' && type === 'directory')
  }

  #link(path: Buffer, entry: TarEntry): void {
    const target = this.#paths.resolveLink(entry.linkName)
    if (target.length === 0) throw unsafe('a hard link to the volume itself')
    const linked = this.#writer.hardLink(path, target)
    this.#count(linked !== undefined, linked === 'file')
    this.#progress(path)
  }

  async #write(entry: TreeEntry, content: ContentInStream): Promise<void> {
    const before = this.#done.bytes
    const restored = await this.#writer.write(entry, { next: this.#contentOf(entry, content) })
    if (!restored) this.#done.bytes = before
    this.#count(restored, entry.type === 'file')
    this.#progress(entry.path)
  }

  #contentOf(entry: TreeEntry, { stored, sha256 }: ContentInStream): () => Promise<Buffer | null> {
    let left = stored
    // The hash of a sparse file is over its holes, too.
    const hash = sha256 !== null && entry.extents === null ? createHash('sha256') : null
    return async () => {
      if (left === 0) return null
      const piece = await this.#stream.readSome(left)
      left -= piece.length
      hash?.update(piece)
      if (left === 0 && hash && hash.digest('hex') !== sha256)
        throw corrupt('the content of a file has another sha256 than in the index')
      this.#done.bytes += piece.length
      this.#progress(entry.path)
      return piece
    }
  }

  #progress(path: Buffer): void {
    this.#input.onProgress({ bytes: this.#done.bytes, files: this.#done.files, path })
  }

  #count(restored: boolean, isFile: boolean): void {
    if (restored) this.#done.entries++
    else this.#refused++
    if (restored && isFile) this.#done.files++
  }

  #warn(warning: TreeWarning): void {
    if (warning.severity === 'fault') this.#faults += warning.count ?? 1
    this.#input.onWarning(warning)
  }

  /** Undoes the dropping of the top directory, because it turned out to be only one of several. */
  #restoreTop(top: Buffer): void {
    if (this.#input.chosen) throw hasNoTop(top)
    this.#writer.moveBelow(top, this.#root)
    if (this.#root) this.#done.entries++
    this.#root = null
  }

  /** Also reads what follows the end mark, because the digest is over the whole object. */
  async #readToEnd(): Promise<void> {
    if (!(await this.#stream.drain())) {
      this.#warn({
        severity: 'note',
        path: Buffer.alloc(0),
        message: 'the archive has data after its end mark, which was ignored',
      })
    }
    await this.#source.end()
  }

  /** With a manifest, the backup of an empty volume may be empty. Without one, an empty result is an error. */
  #checkNotEmpty(): void {
    if (this.#done.entries > 0 || this.#input.chosen) return
    if (this.#root && this.#source.mayBeEmpty && this.#refused === 0) return
    const why = this.#refused > 0 ? `none of its ${this.#refused} entries could be restored` : 'it is empty'
    throw new BackupdError('ARCHIVE_EMPTY', `Nothing to recover from the archive: ${why}`)
  }
}

function hasNoTop(top: Buffer): BackupdError {
  const what = `Single files of this archive cannot be recovered: "${bytesToText(top)}" is not its only top directory`
  return new BackupdError('BAD_INPUT', `${what}, so the paths of files are ambiguous. Recover all of it`)
}

function toRootEntry(entry: TarEntry): TreeEntry {
  if (entry.type !== 'directory') throw unsafe(`a ${entry.type} in the place of the volume itself`)
  return makeUnpackedEntry(entry.type, Buffer.alloc(0), entry)
}

/** Fields that a tar does not have (inode, device, ctime) are zero. */
function makeUnpackedEntry(type: EntryType, path: Buffer, entry: TarEntry): TreeEntry {
  const { mode, uid, gid, size, mtimeNs, major, minor, xattrs, flags, extents } = entry
  const linkTarget = type === 'symlink' ? entry.linkName : null
  const unknown = { ctimeNs: 0n, device: 0n, inode: 0n, links: 1 }
  return {
    type,
    path,
    mode,
    uid,
    gid,
    size,
    mtimeNs,
    major,
    minor,
    linkTarget,
    xattrs,
    extents,
    ...unknown,
    ...(flags !== 0 && { flags }),
  }
}
