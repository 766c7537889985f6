import { expect, test } from 'vitest'
import type { Node } from '../../../src/restic/nodes/node.ts'
import { isSame, isUnchanged, type UnchangedRule } from '../../../src/restic/write/unchanged.ts'
import type { TreeEntry } from '../../../src/volume/tree/entry.ts'

const SECOND = 1_000_000_000n
const CHANGED = 100n * SECOND

const ENTRY = {
  type: 'file',
  size: 7,
  mtimeNs: 90n * SECOND,
  ctimeNs: CHANGED,
  inode: 5n,
  mode: 0o644,
  uid: 1,
  gid: 2,
  device: 3n,
  links: 1,
  major: 0,
  minor: 0,
} as unknown as TreeEntry
const ID = Buffer.alloc(32, 1)
const NODE = { entry: ENTRY, content: [ID] } as unknown as Node
const RULE: UnchangedRule = {
  reread: false,
  beforeNs: CHANGED + 2n * SECOND,
  hasAttributes: true,
  hasData: () => true,
  hasTrueSizes: true,
}

test('a file with the same times, size and inode, whose content is stored, is unchanged', () => {
  expect(isUnchanged(ENTRY, NODE, RULE)).toBe(true)
})

test.each<[string, object]>([
  ['type', { type: 'fifo' }],
  ['size', { size: 8 }],
  ['modification time', { mtimeNs: 91n * SECOND }],
  ['change time', { ctimeNs: CHANGED - 1n }],
  ['inode', { inode: 6n }],
])('a file with another %s is changed', (_what, change) => {
  expect(isUnchanged({ ...ENTRY, ...change }, NODE, RULE)).toBe(false)
})

test.each<[string, Partial<UnchangedRule>]>([
  ['everything is read again', { reread: true }],
  ['it changed less than 2 s before the parent began', { beforeNs: CHANGED + 2n * SECOND - 1n }],
  ['a part of its content is not stored', { hasData: () => false }],
])('a file is read again if %s', (_why, change) => {
  expect(isUnchanged(ENTRY, NODE, { ...RULE, ...change })).toBe(false)
})

test('an empty file is read again where sizes may be untrue', () => {
  const entry = { ...ENTRY, size: 0 }
  const node = { ...NODE, entry, content: [] }
  expect(isUnchanged(entry, node, RULE)).toBe(true)
  expect(isUnchanged(entry, node, { ...RULE, hasTrueSizes: false })).toBe(false)
})

test.each(['mode', 'uid', 'gid', 'device', 'links', 'major', 'minor'])(
  'an entry with another %s is not the same; only the links of a directory do not count',
  (field) => {
    const other = { ...ENTRY, [field]: 77 } as TreeEntry
    expect(isSame(ENTRY, { ...ENTRY })).toBe(true)
    expect(isSame(other, ENTRY)).toBe(false)
    const [folder, before] = [
      { ...other, type: 'directory' },
      { ...ENTRY, type: 'directory' },
    ] as TreeEntry[]
    if (folder && before) expect(isSame(folder, before)).toBe(field === 'links')
  },
)
