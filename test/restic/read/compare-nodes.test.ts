import { expect, test } from 'vitest'
import type { Node } from '../../../src/restic/nodes/node.ts'
import { compareNodes } from '../../../src/restic/read/compare-nodes.ts'
import type { TreeEntry } from '../../../src/volume/tree/entry.ts'
import { plainEntry } from '../../support/memory-trees.ts'

const xattr = (name: string, value: string) => ({ name: Buffer.from(name), value: Buffer.from(value) })
const [idA, idB] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]

function nodeOf(change: Partial<TreeEntry>, content: Buffer[] = []): Node {
  return {
    name: Buffer.from('f'),
    entry: { ...plainEntry, path: Buffer.from('f'), ...change },
    content,
    subtree: null,
  }
}

test.each<[Partial<TreeEntry>, Partial<TreeEntry>]>([
  [{ uid: 1 }, { uid: 2 }],
  [{ gid: 1 }, { gid: 2 }],
  [{ mode: 0o600 }, { mode: 0o644 }],
  [{ mtimeNs: 1n }, { mtimeNs: 2n }],
  [{}, { flags: 0x40 }],
  [{ flags: 0x40 }, {}],
  [{ xattrs: [xattr('user.a', '1')] }, { xattrs: [xattr('user.b', '1')] }],
  [{ xattrs: [xattr('user.a', '1')] }, { xattrs: [xattr('user.a', '2')] }],
  [{ xattrs: [xattr('user.a', '1')] }, { xattrs: [xattr('user.a', '1'), xattr('user.b', '1')] }],
])('%o and %o differ in metadata', (a, b) => {
  expect(compareNodes(nodeOf(a), nodeOf(a))).toBeUndefined()
  expect(compareNodes(nodeOf(a), nodeOf(b))).toBe('metadata')
})

test('attributes count in any order, and the time of a directory does not', () => {
  const [a, b] = [xattr('user.a', '1'), xattr('user.b', '2')]
  expect(compareNodes(nodeOf({ xattrs: [a, b] }), nodeOf({ xattrs: [b, a] }))).toBeUndefined()
  const directory = (mtimeNs: bigint) => nodeOf({ type: 'directory', mtimeNs })
  expect(compareNodes(directory(1n), directory(2n))).toBeUndefined()
})

test.each<[Node, Node]>([
  [nodeOf({}, [idA]), nodeOf({}, [idB])],
  [nodeOf({}, [idA]), nodeOf({}, [idA, idB])],
  [nodeOf({}, [idA, idB]), nodeOf({}, [idA])],
  [nodeOf({ type: 'blockdev', major: 1, minor: 3 }), nodeOf({ type: 'blockdev', major: 2, minor: 3 })],
  [nodeOf({ type: 'blockdev', major: 1, minor: 3 }), nodeOf({ type: 'blockdev', major: 1, minor: 4 })],
  [nodeOf({ type: 'symlink', linkTarget: idA }), nodeOf({ type: 'symlink', linkTarget: idB })],
  [nodeOf({ type: 'symlink', linkTarget: idA }), nodeOf({ type: 'symlink', linkTarget: null })],
  [nodeOf({ type: 'symlink', linkTarget: null }), nodeOf({ type: 'symlink', linkTarget: idA })],
])('content differs: pair %#', (a, b) => {
  expect(compareNodes(a, a)).toBeUndefined()
  expect(compareNodes(a, b)).toBe('content')
})
