import { createHash } from 'node:crypto'
import { type BigIntStats, closeSync, constants, lstatSync, readlinkSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { bytesToText, SLASH } from '../lib/byte-paths.ts'
import { errnoOf } from '../lib/errors.ts'
import { tolerateSync } from '../lib/tolerate.ts'
import { countStep } from '../lib/work-steps.ts'
import type { EntryType } from './tree/entry.ts'
import { readEntryType } from './tree/stat-entry.ts'
import { type OutputFolder, openFolderBeneath, openOutputFolder } from './tree/write-folder.ts'

export interface RestoredTree {
  /** The directory into which a backup was restored. */
  target: string
  signal: AbortSignal
  /** Bytes of file content so far, and the path that is being read. Called often: keep it cheap. */
  onProgress(done: { bytes: number; files: number; path: Buffer }): void
  /** @param what a sentence without the path, such as `its content differs` */
  onDifference(path: string, what: string): void
}

/** What a backup says of an entry. */
export interface ExpectedEntry {
  /** As in TreeEntry; not empty. */
  path: Buffer
  /** A `hardlink` is another name of a file, whose content is compared there. */
  type: EntryType | 'hardlink'
  mode: number
  uid: number
  gid: number
  /** Of a file: bytes. */
  size: number
  /** Of a symlink: where it leads. Of a `hardlink`: the path of the first name, with which it has to share its inode. */
  linkTarget: Buffer | null
  /** The parts of a file in order; null if there is nothing to compare its content with. */
  content: Iterable<ContentPart> | null
}

/** Some bytes of a file. */
export interface ContentPart {
  length: number
  sha256: Buffer
}

/** What was compared: entries, and the content of files among them. */
export interface ComparedTree {
  entries: number
  files: number
  bytes: number
}

const OPEN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const PIECE_BYTES = 1 << 20

/**
 * Compares each restored entry with what its backup says: type, mode, owner, target of a link, and the content of a file. No
 * link in the tree is followed. The root is left out, because it gets its metadata last.
 * @throws what `expected` throws, an error of the file system, or the signal's reason once aborted
 */
export async function compareRestored(
  tree: RestoredTree,
  expected: AsyncIterable<ExpectedEntry>,
): Promise<ComparedTree> {
  const root = openOutputFolder(tree.target)
  const done: ComparedTree = { entries: 0, files: 0, bytes: 0 }
  try {
    for await (const entry of expected) {
      tree.signal.throwIfAborted()
      const what = await compareOrSayWhy(tree, { root, entry, done })
      countStep()
      if (what !== null) tree.onDifference(bytesToText(entry.path), what)
      done.entries++
    }
    return done
  } finally {
    closeSync(root.fd)
  }
}

interface Comparing {
  root: OutputFolder
  entry: ExpectedEntry
  done: ComparedTree
}

/** An entry that a daemon may not read, because it is not root, differs: nothing proves that it is restored. */
async function compareOrSayWhy(tree: RestoredTree, comparing: Comparing): Promise<string | null> {
  try {
    return await compareEntry(tree, comparing)
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') throw error
    return 'it cannot be read: this daemon is not root'
  }
}

/** What differs; null if nothing does. */
async function compareEntry(tree: RestoredTree, comparing: Comparing): Promise<string | null> {
  const { root, entry } = comparing
  const { folder, base } = findParent(root, entry.path)
  if (!folder) return 'it is missing'
  try {
    const place = folder.at(base)
    const stat = lstatSync(place, { bigint: true, throwIfNoEntry: false })
    if (!stat) return 'it is missing'
    return (
      compareStat(entry, stat) ??
      compareLink(comparing, stat) ??
      (await compareContent(tree, comparing, place))
    )
  } finally {
    if (folder !== root) closeSync(folder.fd)
  }
}

/** The folder of an entry, which is to be closed unless it is the root, and its name there. */
function findParent(root: OutputFolder, path: Buffer): { folder: OutputFolder | undefined; base: Buffer } {
  const end = path.lastIndexOf(SLASH)
  const folder = end < 0 ? root : openParent(root, path.subarray(0, end))
  return { folder, base: path.subarray(end + 1) }
}

function openParent(root: OutputFolder, path: Buffer): OutputFolder | undefined {
  return tolerateSync(['ENOENT', 'ENOTDIR', 'ELOOP', 'EXDEV'], () => openFolderBeneath(root, path))
}

function compareStat({ type, mode, uid, gid, size }: ExpectedEntry, stat: BigIntStats): string | null {
  const found = readEntryType(stat)
  if (type === 'hardlink' ? found === 'directory' : found !== type) return `it is not a ${type}`
  if (stat.uid !== BigInt(uid) || stat.gid !== BigInt(gid))
    return `its owner is ${stat.uid}:${stat.gid}, expected ${uid}:${gid}`
  const restored = Number(stat.mode) & 0o7777
  if (found !== 'symlink' && restored !== mode)
    return `its mode is ${restored.toString(8)}, expected ${mode.toString(8)}`
  if (type === 'file' && stat.size !== BigInt(size)) return `it has ${stat.size} bytes, expected ${size}`
  return null
}

/** Whether another name of a file has the inode of its first name. */
function compareLink({ root, entry }: Comparing, stat: BigIntStats): string | null {
  const { type, linkTarget } = entry
  if (type !== 'hardlink' || linkTarget === null) return null
  const { folder, base } = findParent(root, linkTarget)
  try {
    const first = folder && lstatSync(folder.at(base), { bigint: true, throwIfNoEntry: false })
    return first?.ino === stat.ino && first.dev === stat.dev
      ? null
      : `it is not the same file as "${bytesToText(linkTarget)}"`
  } finally {
    if (folder && folder !== root) closeSync(folder.fd)
  }
}

async function compareContent(
  tree: RestoredTree,
  { entry, done }: Comparing,
  place: Buffer,
): Promise<string | null> {
  const { path, type, linkTarget, content } = entry
  if (type === 'symlink') {
    const target = readlinkSync(place, { encoding: 'buffer' })
    return linkTarget?.equals(target) ? null : 'it leads elsewhere'
  }
  if (type !== 'file' || content === null) return null
  const isSame = await hasContent(place, content, (bytes) => {
    tree.signal.throwIfAborted()
    done.bytes += bytes
    tree.onProgress({ bytes: done.bytes, files: done.files, path })
  })
  done.files++
  return isSame ? null : 'its content differs'
}

/** Reads the file in order, to its end. */
async function hasContent(
  place: Buffer,
  content: Iterable<ContentPart>,
  onBytes: (bytes: number) => void,
): Promise<boolean> {
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  await using file = await open(place, OPEN_FILE)
  for (const { length, sha256 } of content) {
    const found = await hashNext(file, { piece, length, onBytes })
    if (!found?.equals(sha256)) return false
  }
  return (await file.read(piece, 0, 1, null)).bytesRead === 0
}

/** Undefined if the file ends before `length` bytes. */
async function hashNext(
  file: FileHandle,
  { piece, length, onBytes }: { piece: Buffer; length: number; onBytes: (bytes: number) => void },
): Promise<Buffer | undefined> {
  const hash = createHash('sha256')
  for (let left = length; left > 0; ) {
    const { bytesRead } = await file.read(piece, 0, Math.min(piece.length, left), null)
    if (bytesRead === 0) return undefined
    hash.update(piece.subarray(0, bytesRead))
    onBytes(bytesRead)
    left -= bytesRead
  }
  return hash.digest()
}
