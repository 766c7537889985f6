import { createHash } from 'node:crypto'
import { type BigIntStats, closeSync, constants, lstatSync, readlinkSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { bytesToText, SLASH, textToBytes } from '../lib/byte-paths.ts'
import { tolerateSync } from '../lib/tolerate.ts'
import type { ObjectReader } from '../objects/driver.ts'
import { readEntryType } from '../volume/tree/stat-entry.ts'
import { type OutputFolder, openFolderBeneath, openOutputFolder } from '../volume/tree/write-folder.ts'
import { type IndexEntry, readIndex } from './index-format.ts'

export interface RestoredTree {
  index: ObjectReader
  /** The directory into which the archive was restored. */
  target: string
  signal: AbortSignal
  /** Bytes of file content so far, and the path that is being read. Called often: keep it cheap. */
  onProgress(done: { bytes: number; files: number; path: Buffer }): void
  /** @param what a sentence without the path, such as `its content differs` */
  onDifference(path: string, what: string): void
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
 * Compares each restored entry with the index: type, mode, owner, target of a link, and the sha256 of a file. No link in the
 * tree is followed. The root is left out, because it gets its metadata last.
 * @throws ARCHIVE_CORRUPT if the index is damaged, an error of the file system, or the signal's reason once aborted
 */
export async function compareRestored(tree: RestoredTree): Promise<ComparedTree> {
  const root = openOutputFolder(tree.target)
  const done: ComparedTree = { entries: 0, files: 0, bytes: 0 }
  try {
    for await (const line of readIndex(tree.index)) {
      tree.signal.throwIfAborted()
      if (line.kind !== 'entry' || line.path === '') continue
      const what = await compareEntry(tree, { root, entry: line, done })
      if (what !== null) tree.onDifference(line.path, what)
      done.entries++
    }
    return done
  } finally {
    closeSync(root.fd)
  }
}

interface Comparing {
  root: OutputFolder
  entry: IndexEntry
  done: ComparedTree
}

/** What differs; null if nothing does. */
async function compareEntry(tree: RestoredTree, comparing: Comparing): Promise<string | null> {
  const { root, entry } = comparing
  const path = textToBytes(entry.path)
  const end = path.lastIndexOf(SLASH)
  const folder = end < 0 ? root : openParent(root, path.subarray(0, end))
  if (!folder) return 'it is missing'
  try {
    const place = folder.at(path.subarray(end + 1))
    const stat = lstatSync(place, { bigint: true, throwIfNoEntry: false })
    if (!stat) return 'it is missing'
    return compareStat(entry, stat) ?? (await compareContent(tree, comparing, { path, place }))
  } finally {
    if (folder !== root) closeSync(folder.fd)
  }
}

function openParent(root: OutputFolder, path: Buffer): OutputFolder | undefined {
  return tolerateSync(['ENOENT', 'ENOTDIR', 'ELOOP', 'EXDEV'], () => openFolderBeneath(root, path))
}

function compareStat({ type, mode, uid, gid, size }: IndexEntry, stat: BigIntStats): string | null {
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

async function compareContent(
  tree: RestoredTree,
  { entry, done }: Comparing,
  { path, place }: { path: Buffer; place: Buffer },
): Promise<string | null> {
  const { type, linkTarget, sha256 } = entry
  if (type === 'symlink') {
    const target = bytesToText(readlinkSync(place, { encoding: 'buffer' }))
    return target === linkTarget ? null : 'it leads elsewhere'
  }
  if (type !== 'file' || sha256 === null) return null
  const found = await hashFile(place, (bytes) => {
    tree.signal.throwIfAborted()
    done.bytes += bytes
    tree.onProgress({ bytes: done.bytes, files: done.files, path })
  })
  done.files++
  return found === sha256 ? null : 'its content differs'
}

async function hashFile(place: Buffer, onBytes: (bytes: number) => void): Promise<string> {
  const hash = createHash('sha256')
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  await using file = await open(place, OPEN_FILE)
  for (;;) {
    const { bytesRead } = await file.read(piece, 0, piece.length, null)
    if (bytesRead === 0) return hash.digest('hex')
    hash.update(piece.subarray(0, bytesRead))
    onBytes(bytesRead)
  }
}
