import { lstatSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TreeEntry } from '../../src/volume/tree/entry.ts'
import { describeTree } from './tree-compare.ts'

export const RID = `1795423489${'a'.repeat(32)}`

/** Names that are in both, in one only, not text, or of different types. */
export function fillOld(folder: string): void {
  for (const name of ['both', 'old only', 'was a file']) writeFileSync(join(folder, name), `old ${name}`)
  writeFileSync(
    Buffer.concat([Buffer.from(`${folder}/bytes-`), Buffer.from([0xff, 0x0a, 0x22])]),
    'old bytes',
  )
  mkdirSync(join(folder, 'was a folder', 'deep'), { recursive: true })
  writeFileSync(join(folder, 'was a folder', 'deep', 'file'), 'old')
}

export function fillNew(folder: string): void {
  for (const name of ['both', 'new only', 'was a folder']) writeFileSync(join(folder, name), `new ${name}`)
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/bytes-`), Buffer.from([0xfe, 0x5c])]), 'new bytes')
  mkdirSync(join(folder, 'was a file', 'deep'), { recursive: true })
  writeFileSync(join(folder, 'was a file', 'deep', 'file'), 'new')
}

/** The volume's own metadata as an archive has it. */
export const NEW_ROOT: TreeEntry = {
  type: 'directory',
  path: Buffer.alloc(0),
  mode: 0o751,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  size: 0,
  mtimeNs: 1_500_000_000_123_456_789n,
  ctimeNs: 0n,
  device: 0n,
  inode: 0n,
  links: 2,
  major: 0,
  minor: 0,
  linkTarget: null,
  xattrs: [],
  extents: null,
}

/** The content of a folder, with all times, and the inode number of the folder itself. */
export function contentOf(folder: string) {
  return { inode: lstatSync(folder).ino, tree: Object.fromEntries(describeTree(folder)) }
}
