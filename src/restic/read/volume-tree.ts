import { bytesToText } from '../../lib/byte-paths.ts'
import { BackupdError } from '../../lib/errors.ts'
import type { TreeEntry } from '../../volume/tree/entry.ts'
import { splitComponents } from '../../volume/tree/write-paths.ts'
import type { Node } from '../nodes/node.ts'
import type { SnapshotFile } from '../nodes/snapshot-file.ts'
import { findChild, readTree, type TreeSource } from './tree-source.ts'

/** A volume in a snapshot. */
export interface VolumeTree {
  /** The id of its tree. */
  tree: Buffer
  /** Its own metadata, with an empty path; null if the snapshot does not have it (restic backup of `.`). */
  root: TreeEntry | null
}

const NOWHERE = Buffer.alloc(0)

/**
 * Finds a volume in a snapshot, by default the snapshot's own path. For an absolute path, restic stores all directories
 * from `/` on; for a relative one, only the last directories, or none.
 * Throws NOT_FOUND if the snapshot has no such directory, SNAPSHOT_CORRUPT.
 */
export async function volumeTree(
  source: TreeSource,
  snapshot: Pick<SnapshotFile, 'tree' | 'paths'>,
  volume: string | undefined = snapshot.paths[0],
): Promise<VolumeTree> {
  const names = splitComponents(Buffer.from(volume ?? '/'))
  const found = await walkDown(names, snapshot.tree, (tree, name) =>
    findChild(source, { id: tree, folder: NOWHERE }, name),
  )
  if (found) return found
  if (snapshot.paths.length === 1 && snapshot.paths[0] === volume) {
    return await findRelative(source, snapshot.tree, names)
  }
  throw new BackupdError('NOT_FOUND', `The snapshot does not have the directory "${volume}"`, {
    facts: { paths: snapshot.paths },
  })
}

/** `step` finds a name in a tree. */
async function walkDown(
  names: readonly Buffer[],
  top: Buffer,
  step: (tree: Buffer, name: Buffer) => Promise<Node | undefined>,
): Promise<VolumeTree | undefined> {
  let found: VolumeTree = { tree: top, root: null }
  for (const name of names) {
    const node = await step(found.tree, name)
    if (!node?.subtree) return undefined
    found = { tree: node.subtree, root: { ...node.entry, path: NOWHERE } }
  }
  return found
}

/**
 * restic was given the path as `db`, as `../shop/db`, or as `.`: the tree has some of its last names, each alone, or
 * none.
 */
async function findRelative(source: TreeSource, top: Buffer, names: readonly Buffer[]): Promise<VolumeTree> {
  for (let from = 1; from < names.length; from++) {
    const found = await walkDown(names.slice(from), top, (tree, name) => onlyChild(source, tree, name))
    if (found) return found
  }
  return { tree: top, root: null }
}

/** Returns the only node of a tree; undefined if there are more, or if it has another name. */
async function onlyChild(source: TreeSource, tree: Buffer, name: Buffer): Promise<Node | undefined> {
  let only: Node | undefined
  for await (const node of readTree(source, tree)) {
    if (only) return undefined
    only = node
  }
  return only?.name.equals(name) ? only : undefined
}

/**
 * Finds the node at a path of the volume; undefined if there is none, or if the path is empty, which is the volume
 * itself.
 */
export async function findNode(
  source: TreeSource,
  volume: VolumeTree,
  path: Buffer,
): Promise<Node | undefined> {
  let node: Node | undefined
  let id: Buffer | null = volume.tree
  for (const name of splitComponents(path)) {
    if (!id) return undefined
    node = await findChild(source, { id, folder: node?.entry.path ?? NOWHERE }, name)
    id = node?.subtree ?? null
    if (!node) return undefined
  }
  return node
}

/** Finds the tree of a directory in the volume. Throws NOT_FOUND, or BAD_INPUT if the path is not a directory. */
export async function findFolderTree(source: TreeSource, volume: VolumeTree, path: Buffer): Promise<Buffer> {
  if (splitComponents(path).length === 0) return volume.tree
  const node = await findNode(source, volume, path)
  if (node?.subtree) return node.subtree
  const name = `"${bytesToText(path)}"`
  if (!node) throw new BackupdError('NOT_FOUND', `${name} does not exist in the snapshot`)
  throw new BackupdError('BAD_INPUT', `${name} is a ${node.entry.type}, not a directory`)
}
