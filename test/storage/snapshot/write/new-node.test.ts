import { closeSync, openSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { encodeNode } from '../../../../src/storage/snapshot/nodes/node.ts'
import { parseNode } from '../../../../src/storage/snapshot/nodes/parse-node.ts'
import { ContentPool } from '../../../../src/storage/snapshot/write/content-pool.ts'
import { FileReader } from '../../../../src/storage/snapshot/write/file-reader.ts'
import { nodeOfReading } from '../../../../src/storage/snapshot/write/new-node.ts'
import { isUnchanged } from '../../../../src/storage/snapshot/write/unchanged.ts'
import { repositoryWorld } from '../../../support/repository-world.ts'

test('a file that could not be read to its end is read again, though nothing about it changed', async () => {
  const repository = await repositoryWorld().create()
  const packs = repository.beginPacks()
  const pool = new ContentPool({ repository, packs, workers: 1, onBytes: () => {} })
  const warnings: string[] = []
  // What the kernel answers for a directory is no content either.
  const fd = openSync(tmpdir(), 'r')
  const looked = entry()
  const reader = new FileReader(
    pool,
    (severity, _path, message) => void warnings.push(`${severity} ${message}`),
  )
  const open = async () => ({
    fd,
    read: async () => 0,
    changed: async () => undefined,
    close: async () => closeSync(fd),
  })
  const reading = await reader.read({ entry: looked, data: null, open })
  if (!reading) throw new Error('it was not opened')
  const made = await nodeOfReading(looked, reading)
  await pool.close()
  await packs.abandon()
  expect(warnings).toEqual([expect.stringContaining('fault cannot be read to its end')])
  const before = parseNode(encodeNode(made.entry, made))
  if (!before) throw new Error('no node')
  expect(isUnchanged(entry(), before, { beforeNs: 10n ** 18n, hasData: () => true })).toBe(false)
})

function entry() {
  return {
    ...{ type: 'file' as const, path: Buffer.from('f'), mode: 0o600, uid: 0, gid: 0, size: 100_000 },
    ...{ mtimeNs: 5n, ctimeNs: 5n, device: 1n, inode: 2n, links: 1, major: 0, minor: 0 },
    ...{ linkTarget: null, xattrs: [], extents: null },
  }
}
