import { errnoOf } from '../../lib/errors.ts'
import { holdRealPath } from '../../volume/held-volume.ts'
import { readXattrs } from '../../volume/tree/attributes.ts'
import type { TreeEntry } from '../../volume/tree/entry.ts'
import { type Pin, pinPath, unpin } from '../../volume/tree/pin.ts'
import { entryOf } from '../../volume/tree/stat-entry.ts'
import type { OpenVolume } from '../../volume/tree/volume.ts'
import { componentsOf } from '../../volume/tree/write-paths.ts'
import { encodeTree } from '../nodes/tree-encoder.ts'
import { leaveOut } from './leave-out.ts'
import { TreeBlob, type TreeStore } from './tree-blob.ts'

/**
 * The tree from `/` down to a volume, each directory on the way with nothing else in it, as restic has it; resolves
 * with its id. The volume's own metadata stand in for a directory that is not on this machine, or a symbolic link.
 */
export async function storeWayTo(
  volume: OpenVolume,
  sourcePath: string,
  { tree, store }: { tree: Buffer; store: TreeStore },
): Promise<Buffer> {
  const names = componentsOf(Buffer.from(sourcePath))
  let below = tree
  for (let depth = names.length; depth > 0; depth--) {
    const path = Buffer.from(`/${Buffer.concat(joined(names.slice(0, depth))).toString('latin1')}`, 'latin1')
    const found = depth === names.length ? volume.root : await directoryAt(path, volume)
    leaveOut(found)
    below = await storeOne(store, { ...found, path }, below)
  }
  return below
}

function joined(names: readonly Buffer[]): Buffer[] {
  return names.flatMap((name, at) => (at === 0 ? [name] : [Buffer.from('/'), name]))
}

async function directoryAt(path: Buffer, { kernel, root }: OpenVolume): Promise<TreeEntry> {
  const pin = await pinReal(path)
  if (!pin) return root
  try {
    const entry = entryOf('directory', pin.stat, path)
    if (kernel) entry.xattrs = readXattrs(kernel, { pinned: pin.fd })
    return entry
  } finally {
    unpin(pin)
  }
}

/** Owners of a volume above this one may have put a link to elsewhere in the way: none is followed. */
async function pinReal(path: Buffer): Promise<Pin | undefined> {
  try {
    using directory = holdRealPath(path.toString())
    return directory.exists ? await pinPath(directory.place) : undefined
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return undefined
    throw error
  }
}

async function storeOne(store: TreeStore, entry: TreeEntry, subtree: Buffer): Promise<Buffer> {
  const blob = new TreeBlob(store)
  await blob.write(encodeTree([{ entry, content: null, subtree }]))
  return await blob.finish()
}
