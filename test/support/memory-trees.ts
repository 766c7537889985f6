import { createHash } from 'node:crypto'
import { encodeTree } from '../../src/restic/nodes/tree-encoder.ts'
import type { TreeSource } from '../../src/restic/read/tree-source.ts'
import type { TreeEntry } from '../../src/volume/tree/entry.ts'

/** A folder by name: text is a file's content, an object a folder, an array an entry with fields of its own. */
export interface Tree {
  [name: string]: string | Tree | [content: string, entry: Partial<TreeEntry>]
}

/** Trees without a repository. */
export class MemoryTrees implements TreeSource {
  readonly blobs = new Map<string, Buffer>()
  /** Ids that were requested. */
  reads: string[] = []

  async readBlob(_type: 'tree', id: Buffer): Promise<Buffer> {
    this.reads.push(id.toString('hex'))
    const blob = this.blobs.get(id.toString('hex'))
    if (!blob) throw new Error('there is no such tree')
    return blob
  }

  /** Returns its id. Names are latin1, so that they can be any bytes. */
  add(tree: Tree): Buffer {
    const names = Object.keys(tree).map((name) => Buffer.from(name, 'latin1'))
    const nodes = names
      .sort(Buffer.compare)
      .map((path) => this.node(path, tree[path.toString('latin1')] ?? ''))
    const blob = encodeTree(nodes)
    const id = createHash('sha256').update(blob).digest()
    this.blobs.set(id.toString('hex'), blob)
    return id
  }

  /** Nested folders, all named `d`, around a tree. */
  addBelow(tree: Buffer, depth: number): Buffer {
    let top = tree
    const entry = { ...plainEntry, type: 'directory' as const, path: Buffer.from('d') }
    for (let n = 0; n < depth; n++) {
      const blob = encodeTree([{ entry, content: null, subtree: top }])
      top = createHash('sha256').update(blob).digest()
      this.blobs.set(top.toString('hex'), blob)
    }
    return top
  }

  private node(path: Buffer, what: Tree[string]) {
    if (typeof what === 'object' && !Array.isArray(what)) {
      return {
        entry: { ...plainEntry, type: 'directory' as const, path, mode: 0o755 },
        content: null,
        subtree: this.add(what),
      }
    }
    const [content, own] = typeof what === 'string' ? [what, {}] : what
    const ids = content === '' ? [] : [createHash('sha256').update(content).digest()]
    const entry = { ...plainEntry, path, size: content.length, ...own }
    return { entry, content: entry.type === 'file' ? ids : null, subtree: null }
  }
}

/** A minimal file. */
export const plainEntry: TreeEntry = {
  type: 'file',
  path: Buffer.alloc(0),
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtimeNs: 1_700_000_000_000_000_000n,
  ctimeNs: 0n,
  device: 1n,
  inode: 1n,
  links: 1,
  major: 0,
  minor: 0,
  linkTarget: null,
  xattrs: [],
  extents: null,
}
