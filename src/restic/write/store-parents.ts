import { tolerate } from '../../lib/tolerate.ts'
import { holdRealPath } from '../../volume/held-volume.ts'
import { readXattrs } from '../../volume/tree/attributes.ts'
import type { TreeEntry } from '../../volume/tree/entry.ts'
import { type Pin, pinPath, unpin } from '../../volume/tree/pin.ts'
import { toTreeEntry } from '../../volume/tree/stat-entry.ts'
import type { OpenVolume } from '../../volume/tree/volume.ts'
import { splitComponents } from '../../volume/tree/write-paths.ts'
import { encodeTree } from '../nodes/tree-encoder.ts'
import { removeUnsupported } from './remove-unsupported.ts'
import { TreeBlob, type TreeStore } from './tree-blob.ts'

/**
 * Stores the trees from `/` down to a volume, as restic does; each directory on the way has only the next one. Resolves
 * with the id of the top tree. A directory that is missing on this machine, or a link, gets the volume's own metadata.
 */
export async function storeParents(
  volume: OpenVolume,
  sourcePath: string,
  { tree, store }: { tree: Buffer; store: TreeStore },
): Promise<Buffer> {
  const names = splitComponents(Buffer.from(sourcePath))
  let below = tree
  for (let depth = names.length; depth > 0; depth--) {
    const path = Buffer.from(
      `/${Buffer.concat(insertSlashes(names.slice(0, depth))).toString('latin1')}`,
      'latin1',
    )
    const found = depth === names.length ? volume.root : await directoryAt(path, volume)
    removeUnsupported(found)
    below = await storeOne(store, { ...found, path }, below)
  }
  return below
}

function insertSlashes(names: readonly Buffer[]): Buffer[] {
  return names.flatMap((name, at) => (at === 0 ? [name] : [Buffer.from('/'), name]))
}

async function directoryAt(path: Buffer, { kernel, root }: OpenVolume): Promise<TreeEntry> {
  const pin = await pinReal(path)
  if (!pin) return root
  try {
    const entry = toTreeEntry('directory', pin.stat, path)
    if (kernel) entry.xattrs = readXattrs(kernel, { pinned: pin.fd })
    return entry
  } finally {
    unpin(pin)
  }
}

/** Follows no link, because the owners of a volume above this one could have put a link there. */
async function pinReal(path: Buffer): Promise<Pin | undefined> {
  return await tolerate(['ENOENT', 'ENOTDIR', 'ELOOP'], async () => {
    using directory = holdRealPath(path.toString())
    return directory.exists ? await pinPath(directory.place) : undefined
  })
}

async function storeOne(store: TreeStore, entry: TreeEntry, subtree: Buffer): Promise<Buffer> {
  const blob = new TreeBlob(store)
  await blob.write(encodeTree([{ entry, content: null, subtree }]))
  return await blob.finish()
}
