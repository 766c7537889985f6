import { hash } from 'node:crypto'
import { SLASH_BYTES } from '../lib/byte-paths.ts'
import { describeReason } from '../volume/tree/describe-reason.ts'
import type { FileSource, TreeEntry, TreeItem, TreeWarning } from '../volume/tree/entry.ts'
import { noLongerLinked, warnOfChange } from '../volume/tree/inspect.ts'
import type { LinkTable, LinkTarget } from '../volume/tree/link-table.ts'
import { storeContent } from './content.ts'
import type { FileSampler } from './file-sample.ts'
import type { GzipMembers } from './gzip-members.ts'
import type { IndexWriter } from './index-writer.ts'
import { encodeHead, type MemberHead } from './member-header.ts'
import { encodeSparseMap } from './sparse-encode.ts'
import { paddingBytes } from './tar-header.ts'

/** An archive that is being written. */
export interface Packing {
  topName: Buffer
  stream: GzipMembers
  index: IndexWriter
  links: LinkTable
  sampler: FileSampler
  signal: AbortSignal
  counts: { entries: number; files: number; bytes: number; others: number }
  progress(path: Buffer): void
  warn(severity: TreeWarning['severity'], path: Buffer, message: string): void
}

const ZEROS = Buffer.alloc(512)

/** Stores one entry of any type. A file that cannot be opened is left out with a warning. */
export async function packItem(packing: Packing, item: TreeItem): Promise<void> {
  const { entry } = item
  const mayBeLinked = entry.links > 1 && entry.type !== 'directory'
  const first = mayBeLinked ? packing.links.claim(entry) : undefined
  const offset = packing.stream.position
  if (first?.isSame) await packLink(packing, entry, first)
  else if (!(await packNew(packing, item))) return
  else if (mayBeLinked) packing.links.add(entry, { path: entry.path, offset })
  if (first && !first.isSame) packing.warn('note', entry.path, noLongerLinked(first.path))
  addCounts(packing, entry)
}

function addCounts({ counts, progress }: Packing, entry: TreeEntry): void {
  counts.entries++
  if (entry.type === 'file') counts.files++
  if (entry.type !== 'directory') counts.others++
  progress(entry.path)
}

async function packLink(packing: Packing, entry: TreeEntry, link: LinkTarget): Promise<void> {
  const linkName = nameInArchive(packing.topName, link.path, false)
  const offset = await putHead(packing, { entry, linkName, isHardLink: true, size: 0 })
  await packing.index.add({ entry, sha256: null, offset, length: packing.stream.position - offset, link })
}

/** Returns false if the file could not be opened. */
async function packNew(packing: Packing, item: TreeItem): Promise<boolean> {
  if (item.open) return await packOpened(packing, item, item.open)
  if (item.data && !item.entry.extents) await packData(packing, item.entry, item.data)
  else if (item.data) await packFile(packing, item, createDataSource(item.data))
  else await packPlain(packing, item.entry)
  return true
}

async function packPlain(packing: Packing, entry: TreeEntry): Promise<void> {
  const offset = await putHead(packing, { entry, linkName: entry.linkTarget, isHardLink: false, size: 0 })
  await packing.index.add({
    entry,
    sha256: null,
    offset,
    length: packing.stream.position - offset,
    link: null,
  })
}

async function packData(packing: Packing, entry: TreeEntry, data: Buffer): Promise<void> {
  const offset = await putHead(packing, { entry, linkName: null, isHardLink: false, size: entry.size })
  await packing.stream.append(data)
  await packing.stream.append(ZEROS.subarray(0, paddingBytes(data.length)))
  packing.counts.bytes += data.length
  const length = packing.stream.position - offset
  const sha256 = hash('sha256', data, 'hex')
  packing.sampler.add(entry.path, sha256)
  await packing.index.add({ entry, sha256, offset, length, link: null })
}

async function packOpened(
  packing: Packing,
  item: TreeItem,
  open: () => Promise<FileSource>,
): Promise<boolean> {
  let source: FileSource
  try {
    source = await open()
  } catch (error) {
    packing.warn('fault', item.entry.path, `cannot be opened: ${describeReason(error)}`)
    return false
  }
  try {
    await packFile(packing, item, source)
  } finally {
    await source.close()
  }
  return true
}

async function packFile(packing: Packing, item: TreeItem, source: FileSource): Promise<void> {
  const { entry } = item
  const { stream, counts } = packing
  const map = entry.extents ? encodeSparseMap(entry.extents, entry.size) : null
  const data = entry.extents ? entry.extents.reduce((sum, { length }) => sum + length, 0) : entry.size
  const size = data + (map?.length ?? 0)
  const offset = await putHead(packing, {
    entry,
    linkName: null,
    isHardLink: false,
    size,
    sparse: map !== null,
  })
  if (map) await stream.append(map)
  const onBytes = (bytes: number) => {
    counts.bytes += bytes
    packing.progress(entry.path)
  }
  const { sha256, fault } = await storeContent({ stream, signal: packing.signal, onBytes }, item, source)
  await stream.append(ZEROS.subarray(0, paddingBytes(size)))
  if (sha256 !== null) packing.sampler.add(entry.path, sha256)
  await packing.index.add({ entry, sha256, offset, length: stream.position - offset, link: null })
  await warnIfChanged(packing, entry, { source, fault })
}

async function warnIfChanged(
  packing: Packing,
  entry: TreeEntry,
  read: { source: FileSource; fault: string | undefined },
) {
  if (read.fault !== undefined) return packing.warn('fault', entry.path, read.fault)
  const change = await read.source.changed()
  if (change) warnOfChange(packing.warn, entry.path, change)
}

interface Head extends Omit<MemberHead, 'name' | 'sparseSize'> {
  sparse?: boolean
}

/** Returns the offset at which the entry starts. */
async function putHead({ stream, topName }: Packing, head: Head): Promise<number> {
  const offset = stream.position
  const { entry, sparse } = head
  const name = nameInArchive(topName, entry.path, entry.type === 'directory')
  const wait = stream.append(encodeHead({ ...head, name, sparseSize: sparse ? entry.size : null }))
  if (wait) await wait
  return offset
}

/** `top/path`; a directory has a slash at its end. */
function nameInArchive(topName: Buffer, path: Buffer, isDirectory: boolean): Buffer {
  const parts = path.length === 0 ? [topName] : [topName, SLASH_BYTES, path]
  return Buffer.concat(isDirectory ? [...parts, SLASH_BYTES] : parts)
}

/** Reads from the content of a small file that was read ahead, and cannot change any more. */
function createDataSource(data: Buffer): FileSource {
  return {
    read: async (buffer, position) => data.copy(buffer, 0, position),
    changed: async () => undefined,
    close: async () => {},
  }
}
