import { bytesToText } from '../lib/byte-paths.ts'
import { BackupdError } from '../lib/errors.ts'
import type { ObjectReader } from '../objects/driver.ts'
import type { ChosenFiles } from '../volume/tree/chosen-paths.ts'
import type { EntryType, TreeEntry, TreeWarning } from '../volume/tree/entry.ts'
import type { OnProtected } from '../volume/tree/on-protected.ts'
import type { UnpackSummary } from '../volume/tree/unpack-summary.ts'
import { TreeWriter } from '../volume/tree/write-tree.ts'
import { unsafe } from './archive-fault.ts'
import { ArchivePlace } from './archive-place.ts'
import { ArchiveReader } from './archive-reader.ts'
import { ByteStream } from './byte-stream.ts'
import { type Expected, refuseOtherBytes, refuseWrongSize } from './expected.ts'
import { gunzipArchive } from './gunzip-archive.ts'
import { limitInflated } from './limit-inflated.ts'
import { readTarEntries, type TarEntry } from './tar-entries.ts'
import { explainUnpackError } from './unpack-error.ts'

export interface UnpackInput {
  archive: ObjectReader
  /** From the manifest; null where the archive has none: then its own checksums decide. */
  expected: Expected | null
  /** Compressed sizes of the gzip members, from the index, to inflate side by side; null reads in order. */
  members: number[] | null
  /** An existing empty directory. */
  target: string
  /** What is wanted, with the folders on the way to it; all of it where this is left out. */
  chosen?: ChosenFiles | undefined
  signal: AbortSignal
  /** Totals so far, `bytes` of file content, and what is being written. Called often: keep it cheap. */
  onProgress(done: { bytes: number; files: number; path: Buffer }): void
  onWarning(warning: TreeWarning): void
  /** As TreeWriter has it. */
  onProtected?: OnProtected
}

/**
 * Unpacks a `.tar.gz` of any tar into an empty directory, never outside of it, and puts it on the disk. Everything
 * but the root gets its metadata. What cannot be restored exactly is a warning. Blocks: for a process of its own.
 * Throws ARCHIVE_CORRUPT where the bytes read are not those expected or make no archive, ARCHIVE_UNSAFE for a name or
 * hard link that leads out, ARCHIVE_EMPTY where nothing was restored, NO_ROOM; the signal's reason once aborted.
 * The target is then to be thrown away.
 */
export async function unpackArchive(input: UnpackInput): Promise<UnpackSummary> {
  refuseWrongSize(input.archive.size, input.expected)
  const unpacking = new Unpacking(input)
  try {
    return await unpacking.run()
  } catch (error) {
    throw unpacking.explain(error)
  } finally {
    await unpacking.close()
  }
}

/** One archive on its way into one directory. */
class Unpacking {
  readonly #input: UnpackInput
  readonly #archive: ArchiveReader
  readonly #stream: ByteStream
  readonly #writer: TreeWriter
  readonly #place: ArchivePlace
  readonly #done = { bytes: 0, files: 0, entries: 0 }
  #root: TreeEntry | null = null
  #refused = 0
  #faults = 0
  /** The entry that is being read, for messages. */
  #current: Buffer | undefined

  constructor(input: UnpackInput) {
    this.#input = input
    this.#archive = new ArchiveReader(input.archive, input.signal)
    const inflated = gunzipArchive(this.#archive, input.members)
    this.#stream = new ByteStream(limitInflated(inflated, input.expected?.tarBytes))
    this.#writer = new TreeWriter(input.target, (warning) => this.#warn(warning), input.onProtected)
    this.#place = new ArchivePlace((top) => this.#loseTop(top))
  }

  async run(): Promise<UnpackSummary> {
    for await (const entry of readTarEntries(this.#stream)) {
      this.#input.signal.throwIfAborted()
      this.#current = entry.name
      await this.#take(entry)
    }
    await this.#readToEnd()
    this.#refuseNothing()
    this.#writer.finish()
    const { entries, files, bytes } = this.#done
    return { entries: entries + (this.#root ? 1 : 0), files, bytes, root: this.#root, faults: this.#faults }
  }

  async close(): Promise<void> {
    this.#writer.close()
    await this.#stream.close().catch(() => {})
  }

  async #take(entry: TarEntry): Promise<void> {
    const path = this.#place.of(entry.name, entry.type === 'directory')
    if (path.length > 0 && !this.#isWanted(entry, path)) return
    for (const message of entry.doubts) this.#warn({ severity: 'fault', path, message })
    if (path.length === 0) this.#root = rootOf(entry)
    else if (entry.type === 'hardlink') this.#link(path, entry)
    else await this.#write(treeEntryOf(entry.type, path, entry), entry.stored)
  }

  #isWanted({ type }: TarEntry, path: Buffer): boolean {
    const { chosen } = this.#input
    if (!chosen) return true
    chosen.saw(path)
    const choice = chosen.of(path)
    return choice === 'all' || (choice === 'way' && type === 'directory')
  }

  #link(path: Buffer, entry: TarEntry): void {
    const target = this.#place.ofLink(entry.linkName)
    if (target.length === 0) throw unsafe('a hard link to the volume itself')
    const linked = this.#writer.hardLink(path, target)
    this.#count(linked !== undefined, linked === 'file')
    this.#progress(path)
  }

  async #write(entry: TreeEntry, stored: number): Promise<void> {
    const before = this.#done.bytes
    const restored = await this.#writer.write(entry, { next: this.#contentOf(entry, stored) })
    if (!restored) this.#done.bytes = before
    this.#count(restored, entry.type === 'file')
    this.#progress(entry.path)
  }

  #contentOf(entry: TreeEntry, stored: number): () => Promise<Buffer | null> {
    let left = stored
    return async () => {
      if (left === 0) return null
      const piece = await this.#stream.some(left)
      left -= piece.length
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

  /** What looked like the one directory at the top is only the first of several. */
  #loseTop(top: Buffer): void {
    if (this.#input.chosen) throw hasNoTop(top)
    this.#writer.moveBelow(top, this.#root)
    if (this.#root) this.#done.entries++
    this.#root = null
  }

  /** The digest is over the whole object, so what stands behind the end mark is read as well. */
  async #readToEnd(): Promise<void> {
    if (!(await this.#stream.drain())) {
      this.#warn({
        severity: 'note',
        path: Buffer.alloc(0),
        message: 'the archive goes on behind its end mark; that was ignored',
      })
    }
    await refuseOtherBytes(this.#archive, this.#input.expected)
  }

  /** A backup of ours may be of an empty volume; with no manifest to say so, nothing restored is a failure. */
  #refuseNothing(): void {
    if (this.#done.entries > 0 || this.#input.chosen) return
    if (this.#root && this.#input.expected && this.#refused === 0) return
    const why =
      this.#refused > 0 ? `none of its ${this.#refused} entries could be restored` : 'it holds nothing'
    throw new BackupdError('ARCHIVE_EMPTY', `Nothing to recover from the archive: ${why}`)
  }

  /** Anything thrown on the way as an error for people. */
  explain(error: unknown): unknown {
    return explainUnpackError(error, { position: this.#stream.position, entry: this.#current })
  }
}

function hasNoTop(top: Buffer): BackupdError {
  const what = `Files cannot be chosen from this archive: "${bytesToText(top)}" is not its only directory at the top`
  return new BackupdError('BAD_INPUT', `${what}, so their paths are not known. Recover all of it`)
}

function rootOf(entry: TarEntry): TreeEntry {
  if (entry.type !== 'directory') throw unsafe(`a ${entry.type} in the place of the volume itself`)
  return treeEntryOf(entry.type, Buffer.alloc(0), entry)
}

/** What a tar does not tell (inode, device, times of change) is zero. */
function treeEntryOf(type: EntryType, path: Buffer, entry: TarEntry): TreeEntry {
  const { mode, uid, gid, size, mtimeNs, major, minor, xattrs, flags, extents } = entry
  const linkTarget = type === 'symlink' ? entry.linkName : null
  const unknown = { ctimeNs: 0n, device: 0n, inode: 0n, links: 1 }
  return {
    ...{ type, path, mode, uid, gid, size, mtimeNs, major, minor, linkTarget, xattrs, extents, ...unknown },
    ...(flags !== 0 && { flags }),
  }
}
