import { describe, expect, it } from 'vitest'
import { NODE_TYPES } from '../../../src/restic/nodes/node.ts'
import { nodeBatches, streamNodes } from '../../../src/restic/nodes/read-nodes.ts'
import { encodeTree, TreeEncoder } from '../../../src/restic/nodes/tree-encoder.ts'
import type { EntryType, TreeEntry } from '../../../src/volume/tree/entry.ts'
import { encodeNode, parseNode, readNodes } from '../../support/nodes.ts'

const plain: TreeEntry = {
  type: 'file',
  path: Buffer.from('dir/name'),
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 3,
  mtimeNs: 1_700_000_000_123_456_789n,
  ctimeNs: 1_700_000_001_000_000_000n,
  device: 2049n,
  inode: 12n,
  links: 1,
  major: 0,
  minor: 0,
  linkTarget: null,
  xattrs: [],
  extents: null,
}
const id = Buffer.alloc(32, 0xab)

function there(change: Partial<TreeEntry>) {
  const entry = { ...plain, ...change }
  const isFile = entry.type === 'file'
  const subtree = entry.type === 'directory' ? id : null
  const json = encodeNode(entry, { content: isFile ? [id] : null, subtree }).toString()
  const node = parseNode(json, entry.path.subarray(0, Math.max(entry.path.lastIndexOf('/'), 0)))
  return { json, node, entry }
}

describe('a node', () => {
  it('has the fields in restic’s order', () => {
    expect(there({}).json).toBe(
      `{"name":"name","type":"file","mode":420,"mtime":"2023-11-14T22:13:20.123456789Z","atime":"2023-11-14T22:13:20.123456789Z","ctime":"2023-11-14T22:13:21Z","uid":0,"gid":0,"inode":12,"device_id":2049,"size":3,"links":1,"content":["${'ab'.repeat(32)}"]}`,
    )
  })

  it.each<[string, Partial<TreeEntry>]>([
    ['a file', {}],
    ['mode 000', { mode: 0 }],
    ['every bit of the mode', { mode: 0o7777 }],
    ['large owners', { mode: 0o4755, uid: 3_000_000_000, gid: 4_294_967_295 }],
    ['numbers of 64 bits', { mode: 0o2711, inode: 2n ** 64n - 1n, device: 2n ** 63n + 1n }],
    ['numbers just too large', { size: 9_007_199_254_740_991, inode: 9_007_199_254_740_993n }],
    ['a directory', { type: 'directory', size: 0, mode: 0o1777 }],
    ['a symlink', { type: 'symlink', size: 0, linkTarget: Buffer.from('../<b>&"\\\n\b') }],
    ['a symlink to bytes', { type: 'symlink', size: 0, linkTarget: Buffer.from([0xff, 0x0a, 0x22]) }],
    ['a fifo of two names', { type: 'fifo', size: 0, links: 2 }],
    ['a device', { type: 'chardev', size: 0, major: 4095, minor: 1_048_575 }],
    ['a block device', { type: 'blockdev', size: 0, major: 7, minor: 0 }],
    ['an attribute', { xattrs: [{ name: Buffer.from('user.a=<b'), value: Buffer.from([0, 255]) }] }],
    ['an empty attribute', { xattrs: [{ name: Buffer.from('user.e'), value: Buffer.alloc(0) }] }],
  ])('is read back the same: %s', (_, change) => {
    const { node, entry } = there(change)
    expect(node?.entry).toEqual(entry)
    expect(node?.content).toEqual(entry.type === 'file' ? [id] : [])
  })

  it.each([
    '0',
    '1',
    '-1',
    '999999999',
    '-157766400000000001',
    '10413792000000000000',
    '951782399999999990',
    '253402300799999999999',
    '-62167219200000000000',
  ])('keeps a time of %s ns', (ns) => {
    const { node } = there({ mtimeNs: BigInt(ns), ctimeNs: BigInt(ns) })
    expect([node?.entry.mtimeNs, node?.entry.ctimeNs]).toEqual([BigInt(ns), BigInt(ns)])
  })

  it('sets a time that no year of four digits holds to the nearest year', () => {
    expect(there({ mtimeNs: 2n ** 63n * 10n ** 9n }).json).toContain('"mtime":"9999-')
    expect(there({ mtimeNs: -(2n ** 62n) * 10n ** 9n }).json).toContain('"mtime":"0000-')
  })

  it('is read with a time of any zone', () => {
    const at = (time: string) => parseNode(there({}).json.replace(/"ctime":"[^"]*"/, `"ctime":"${time}"`))
    expect(at('2023-11-15T00:13:20.5+02:00')?.entry.ctimeNs).toBe(1_700_000_000_500_000_000n)
    expect(at('2023-11-14T20:43:20-01:30')?.entry.ctimeNs).toBe(1_700_000_000_000_000_000n)
  })
})

describe('a name', () => {
  it.each([
    ['plain', 'plain', '"plain"'],
    ['quotes', 'a"b\\c', '"a\\\\\\"b\\\\\\\\c"'],
    ['control characters', '\n\t\x01\x7f\x07', '"\\\\n\\\\t\\\\x01\\\\x7f\\\\a"'],
    ['letters', 'é日e\u0301😀', '"é日e\u0301😀"'],
    ['what cannot be printed', '\u00a0\u200b\u2028\u{e0001}', '"\\\\u00a0\\\\u200b\\\\u2028\\\\U000e0001"'],
    ['what HTML knows', '<&>', '"\\u003c\\u0026\\u003e"'],
    ['a replacement character', '\ufffd', '"\ufffd"'],
  ])('of %s is quoted as Go does', (_, name, quoted) => {
    const { json, node } = there({ path: Buffer.from(name) })
    expect(json.slice('{"name":'.length, json.indexOf(',"type"'))).toBe(quoted)
    expect(node?.name).toEqual(Buffer.from(name))
  })

  it.each([
    [[0x66, 0xff, 0xfe], 'f\\\\xff\\\\xfe'],
    [[0xc3], '\\\\xc3'],
    [[0xed, 0xa0, 0x80], '\\\\xed\\\\xa0\\\\x80'],
    [[0xc3, 0xa9, 0xff, 0x5c], 'é\\\\xff\\\\\\\\'],
    [[0x5c, 0x78, 0x66, 0x66], '\\\\\\\\xff'],
  ])('of bytes %j survives', (bytes, quoted) => {
    const { json, node } = there({ path: Buffer.from(bytes) })
    expect(json).toContain(`{"name":"${quoted}",`)
    expect(node?.name).toEqual(Buffer.from(bytes))
  })

  it('is read in every form that Go reads', () => {
    const node = parseNode(
      there({}).json.replace('"name":"name"', '"name":"\\\\101\\\\u0042\\\\U00000043\\\\v"'),
    )
    expect(node?.name.toString()).toBe('ABC\v')
  })

  it.each(['', '.', '..', 'a/b', '/', 'a\\\\x00', '\\\\x2f', '\\\\q', 'a\\\\', '\\\\ud800'])(
    'that leads elsewhere or is invalid is refused: %j',
    (name) => {
      const json = there({}).json.replace('"name":"name"', `"name":"${name}"`)
      expect(() => parseNode(json)).toThrow(/is not a name/)
    },
  )
})

describe('an invalid node', () => {
  const { json } = there({})
  it.each([
    ['a type nobody knows', json.replace('"file"', '"door"'), /unknown type/],
    ['a time that is none', json.replace('2023', 'soon'), /is not a time/],
    ['a size below nothing', json.replace('"size":3', '"size":-3'), /is not a number/],
    ['an id that is none', json.replace('abab', 'zzzz'), /is not an id/],
    ['a directory without a tree', json.replace('"file"', '"dir"'), /is not an id/],
    [
      'a size that JavaScript cannot hold',
      json.replace('"size":3', '"size":9007199254740993'),
      /is not a number/,
    ],
    [
      'an inode of more than 64 bits',
      json.replace('"inode":12', '"inode":"184467440737095516160"'),
      /is not a number/,
    ],
    ['content that is no list', json.replace(/"content":.*]/, '"content":"x"'), /is not a list/],
    [
      'attributes that are no list',
      json.replace('"size"', '"extended_attributes":"x","size"'),
      /are not a list/,
    ],
    [
      'an attribute without a name',
      json.replace('"size"', '"extended_attributes":[{"value":""}],"size"'),
      /has no name/,
    ],
    [
      'an attribute with an empty name',
      json.replace('"size"', '"extended_attributes":[{"name":""}],"size"'),
      /has no name/,
    ],
    ['no JSON', json.slice(1), /directory in the repository is damaged/],
  ])('%s is refused', (_, text, message) => {
    expect(() => parseNode(text)).toThrow(message)
  })

  it('a socket is skipped', () => {
    expect(parseNode(json.replace('"file"', '"socket"'))).toBeUndefined()
  })
})

describe('a tree', () => {
  const types = Object.keys(NODE_TYPES) as EntryType[]
  const names = (count: number) =>
    Array.from({ length: count }, (_, n) =>
      Buffer.from(`d/n}]"\\${String(n).padStart(6, '0')}\xff`, 'latin1'),
    )
  const treeOf = (count: number) =>
    encodeTree(
      names(count).map((path, n) => ({
        entry: { ...plain, type: types[n % 2] ?? 'file', path, size: 0 },
        content: n % 2 ? null : [],
        subtree: n % 2 ? id : null,
      })),
    )

  it.each([0, 1, 3, 5000])('of %i nodes is read back the same', (count) => {
    const tree = treeOf(count)
    const read = [...readNodes(tree, Buffer.from('d'))]
    expect(read.map(({ entry }) => entry.path)).toEqual(names(count))
    expect(tree.subarray(-3).toString()).toBe(']}\n')
  })

  it('is never parsed at once if it is large', () => {
    const sizes = [...nodeBatches(treeOf(5000), Buffer.alloc(0))].map((batch) => batch.length)
    expect(Math.max(...sizes)).toBeLessThan(1000)
  })

  it.each([1, 7, 1000, 1 << 20])('is read in pieces of %i bytes', async (length) => {
    const tree = treeOf(300)
    async function* pieces() {
      for (let at = 0; at < tree.length; at += length) yield tree.subarray(at, at + length)
    }
    const read: Buffer[] = []
    for await (const batch of streamNodes(pieces(), Buffer.from('d'))) {
      read.push(...batch.map(({ entry }) => entry.path))
    }
    expect(read).toEqual(names(300))
  })

  it('that is truncated or invalid is refused, however large it is', () => {
    const large = treeOf(5000)
    for (const cut of [3, 4, 100]) {
      expect(() => [...readNodes(large.subarray(0, large.length - cut))]).toThrow(/ends too early/)
    }
    expect(() => [...readNodes(Buffer.from('{"nodes":7}'))]).toThrow(/not a list/)
    expect(() => [...readNodes(Buffer.from('{"nodes":[7]}'))]).toThrow(/not a name/)
  })

  it('must have sorted names when it is read and when it is written', () => {
    const encoder = new TreeEncoder()
    encoder.add({ ...plain, path: Buffer.from('b') }, { content: [], subtree: null })
    const again = () => encoder.add({ ...plain, path: Buffer.from('a') }, { content: [], subtree: null })
    expect(again).toThrow(/not in order/)
    const node = there({}).json
    expect(() => [...readNodes(Buffer.from(`{"nodes":[${node},${node}]}`))]).toThrow(/not in order/)
  })
})
