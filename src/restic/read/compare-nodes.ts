import type { TreeEntry, Xattr } from '../../volume/tree/entry.ts'
import type { Node } from '../nodes/node.ts'

/** What changed in an entry. A directory does not change with its entries. */
export type Change = 'type' | 'content' | 'metadata'

/**
 * Returns how `after` differs from `before`; undefined if they are equal. Ignores inodes, ctimes, and the mtime of a
 * directory, which changes with the names in it.
 */
export function compareNodes(before: Node, after: Node): Change | undefined {
  const [a, b] = [before.entry, after.entry]
  if (a.type !== b.type) return 'type'
  if (!sameContent(before, after)) return 'content'
  return sameMetadata(a, b) ? undefined : 'metadata'
}

function sameContent(a: Node, b: Node): boolean {
  const { entry } = a
  if (entry.type === 'file') return sameIds(a.content, b.content)
  if (entry.type === 'symlink') return same(entry.linkTarget, b.entry.linkTarget)
  return entry.major === b.entry.major && entry.minor === b.entry.minor
}

function sameIds(a: readonly Buffer[], b: readonly Buffer[]): boolean {
  return a.length === b.length && a.every((id, n) => same(id, b[n] ?? null))
}

function same(a: Buffer | null, b: Buffer | null): boolean {
  return a === b || (a !== null && b !== null && a.equals(b))
}

function sameMetadata(a: TreeEntry, b: TreeEntry): boolean {
  const sameTime = a.type === 'directory' || a.mtimeNs === b.mtimeNs
  const sameOwner = a.uid === b.uid && a.gid === b.gid
  return (
    sameTime &&
    sameOwner &&
    a.mode === b.mode &&
    (a.flags ?? 0) === (b.flags ?? 0) &&
    sameXattrs(a.xattrs, b.xattrs)
  )
}

function sameXattrs(a: readonly Xattr[], b: readonly Xattr[]): boolean {
  if (a.length !== b.length) return false
  return a.every(({ name, value }) => b.some((other) => other.name.equals(name) && other.value.equals(value)))
}
