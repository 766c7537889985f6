import { bytesToText } from '../lib/byte-paths.ts'
import type { ByteSink } from '../objects/driver.ts'
import type { TreeEntry } from '../volume/tree/entry.ts'
import { createGzipMembers } from './gzip-members.ts'
import type { IndexLine } from './index-format.ts'

export interface IndexedEntry {
  entry: TreeEntry
  /** Of its content; null if it has none. */
  sha256: string | null
  offset: number
  length: number
  /** For a hard link: the entry that has the content. */
  link: { path: Buffer; offset: number } | null
}

export interface IndexWriter {
  add(indexed: IndexedEntry): Promise<void> | undefined
  /** Adds a gzip member of the archive. Cheap: it is written together with a later line. */
  addMember(bytes: number, plainBytes: number): void
  end(tarBytes: number): Promise<{ size: number; sha256: string }>
}

const BLOCK_BYTES = 256 * 1024
const BLOCKS = 2
const MEMBERS_PER_LINE = 256

/** Writes the index of an archive together with it; see index-format.ts. */
export function createIndexWriter(out: ByteSink, topName: Buffer): IndexWriter {
  const lines = createGzipMembers({ out, blockSize: BLOCK_BYTES, blocks: BLOCKS })
  const put = (line: IndexLine) => lines.append(Buffer.from(`${JSON.stringify(line)}\n`))
  let pending: [number, number][] = []
  const total = { entries: 0, members: 0 }
  const putMembers = () => {
    const sizes = pending
    pending = []
    total.members += sizes.length
    return put({ kind: 'members', sizes })
  }
  const afterwards = async (added: Promise<void> | undefined) => {
    await added
    await putMembers()
  }
  put({ kind: 'header', format: 1, topName: bytesToText(topName) })
  return {
    add(indexed) {
      total.entries++
      const added = put(entryLine(indexed))
      return pending.length < MEMBERS_PER_LINE ? added : afterwards(added)
    },
    addMember: (bytes, plainBytes) => void pending.push([bytes, plainBytes]),
    async end(tarBytes) {
      await putMembers()
      await put({ kind: 'end', ...total, tarBytes })
      const { size, sha256 } = await lines.end()
      return { size, sha256 }
    },
  }
}

function entryLine({ entry, sha256, offset, length, link }: IndexedEntry): IndexLine {
  const target = link ? link.path : entry.linkTarget
  return {
    kind: 'entry',
    path: bytesToText(entry.path),
    type: link ? 'hardlink' : entry.type,
    size: entry.size,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtimeNs: String(entry.mtimeNs),
    linkTarget: target && bytesToText(target),
    sha256,
    offset,
    length,
    dataEntry: link?.offset ?? null,
    ...(isExact(entry) && { exact: true as const }),
  }
}

/** Attributes and flags are in the archive only. */
function isExact({ type, xattrs, flags = 0 }: TreeEntry): boolean {
  return type === 'directory' && xattrs.length === 0 && flags === 0
}
