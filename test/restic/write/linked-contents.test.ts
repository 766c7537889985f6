import { expect, test } from 'vitest'
import { LinkedContents } from '../../../src/restic/write/linked-contents.ts'
import type { TreeEntry } from '../../../src/volume/tree/entry.ts'

const READING = { content: Promise.resolve({ ids: [Buffer.alloc(32, 1)], fault: undefined }) }

function entry(change: Partial<TreeEntry> = {}): TreeEntry {
  return {
    type: 'file' as const,
    path: Buffer.from('f'),
    mode: 0o600,
    uid: 0,
    gid: 0,
    size: 10,
    mtimeNs: 5n,
    ctimeNs: 5n,
    device: 1n,
    inode: 2n,
    links: 3,
    major: 0,
    minor: 0,
    linkTarget: null,
    xattrs: [],
    extents: null,
    ...change,
  }
}

test('another name of a file is not read again', () => {
  const linked = new LinkedContents()
  linked.add(entry(), READING)
  expect(linked.find(entry())).toBe(READING)
})

test('a file is forgotten when all its names have come', () => {
  const linked = new LinkedContents()
  linked.add(entry(), READING)
  expect([1, 2, 3].map(() => linked.find(entry()))).toEqual([READING, READING, undefined])
})

test('at most 50,000 files are remembered', () => {
  const linked = new LinkedContents()
  for (let n = 0; n <= 50_000; n++) linked.add(entry({ inode: BigInt(n) }), READING)
  expect(linked.find(entry({ inode: 49_999n }))).toBe(READING)
  expect(linked.find(entry({ inode: 50_000n }))).toBeUndefined()
})

test.each<Partial<TreeEntry>>([{ type: 'fifo' }, { size: 11 }, { mtimeNs: 6n }, { ctimeNs: 6n }])(
  'a new file with the inode of a deleted one has content of its own: %o',
  (change) => {
    const linked = new LinkedContents()
    linked.add(entry(), READING)
    expect(linked.find(entry({ links: 2, ...change }))).toBeUndefined()
  },
)
