import { textToBytes } from '../lib/byte-paths.ts'
import type { ObjectReader } from '../objects/driver.ts'
import type { Chosen } from '../volume/tree/chosen-paths.ts'
import { type IndexEntry, readIndex } from './index-format.ts'

/** What is read of an archive to unpack chosen files. */
export interface ChosenPlan {
  /** Folders on the way to chosen files that the index describes completely: nothing is read for them. */
  folders: IndexEntry[]
  /** In the archive's order, without overlaps. */
  entries: PlannedEntry[]
  /** Those that have bytes of the entries, in order. */
  members: PlannedMember[]
}

export interface PlannedEntry {
  /** Bytes of the tar stream. */
  offset: number
  length: number
  /** Of its content, as in the index. */
  sha256: string | null
}

/** A gzip member: its place in the archive, and which stretches of its content are wanted. */
export interface PlannedMember {
  at: number
  bytes: number
  plainBytes: number
  cuts: { from: number; end: number }[]
}

/** For more entries, the plan would take much memory, and reading everything costs little more. */
const MAX_ENTRIES = 100_000
/** Larger members are not ours. */
const MAX_MEMBER_BYTES = 8 << 20
/** The kernel uses the next id to say "do not change the owner". */
const MAX_ID = 0xfffffffe

/**
 * Finds by its index what has to be read of an archive of `size` bytes. Null if all of it should be read: too many entries
 * are chosen, or the index does not fit the archive. Throws ARCHIVE_CORRUPT if the index is damaged.
 */
export async function planChosen(
  index: ObjectReader,
  chosen: Chosen,
  { size, signal }: { size: number; signal: AbortSignal },
): Promise<ChosenPlan | null> {
  const [folders, entries]: [IndexEntry[], PlannedEntry[]] = [[], []]
  /** Pairs: compressed and plain bytes of each member. */
  const sizes: number[] = []
  for await (const line of readIndex(index)) {
    signal.throwIfAborted()
    if (line.kind === 'members') for (const pair of line.sizes) sizes.push(...pair)
    if (line.kind !== 'entry') continue
    const choice = chosen.of(textToBytes(line.path))
    if (choice === 'none' || (choice === 'ancestor' && line.type !== 'directory')) continue
    if (choice === 'ancestor' && isComplete(line)) folders.push(line)
    else if (!addEntry(entries, line)) return null
  }
  const members = findMembers(entries, sizes, size)
  return members && { folders, entries, members }
}

function isComplete({ exact, uid, gid }: IndexEntry): boolean {
  return exact === true && uid <= MAX_ID && gid <= MAX_ID
}

function addEntry(entries: PlannedEntry[], { offset, length, sha256 }: IndexEntry): boolean {
  const last = entries.at(-1)
  if (entries.length === MAX_ENTRIES || offset < (last ? last.offset + last.length : 0)) return false
  entries.push({ offset, length, sha256 })
  return true
}

/**
 * Finds the members that have bytes of these stretches of the tar stream, which are in order. Null if the members are not
 * ours, do not add up to an archive of `size` bytes, or end before the last stretch does.
 * @param sizes pairs: compressed and plain bytes of each member
 */
export function findMembers(
  entries: readonly Pick<PlannedEntry, 'offset' | 'length'>[],
  sizes: readonly number[],
  size: number,
): PlannedMember[] | null {
  const members: PlannedMember[] = []
  let [at, tar, next] = [0, 0, 0]
  for (let n = 0; n < sizes.length; n += 2) {
    const [bytes = 0, plainBytes = 0] = [sizes[n], sizes[n + 1]]
    if (bytes === 0 || Math.max(bytes, plainBytes) > MAX_MEMBER_BYTES) return null
    const found = findCuts(entries, next, { from: tar, end: tar + plainBytes })
    if (found.cuts.length > 0) members.push({ at, bytes, plainBytes, cuts: found.cuts })
    next = found.next
    at += bytes
    tar += plainBytes
  }
  return at === size && next === entries.length ? members : null
}

/** The stretches of one member that entries from `next` on lie in; the new `next` is the first that goes on behind it. */
function findCuts(
  entries: readonly Pick<PlannedEntry, 'offset' | 'length'>[],
  next: number,
  member: { from: number; end: number },
) {
  const cuts: PlannedMember['cuts'] = []
  for (let n = next; ; n++) {
    const entry = entries[n]
    if (!entry || entry.offset >= member.end) return { cuts, next: n }
    const end = entry.offset + entry.length
    addCut(cuts, Math.max(entry.offset, member.from) - member.from, Math.min(end, member.end) - member.from)
    if (end > member.end) return { cuts, next: n }
  }
}

function addCut(cuts: PlannedMember['cuts'], from: number, end: number): void {
  const last = cuts.at(-1)
  if (last?.end === from) last.end = end
  else cuts.push({ from, end })
}
