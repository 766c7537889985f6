import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { expect, test } from 'vitest'
import { seal } from '../../../src/restic/codec/crypt.ts'
import { compress } from '../../../src/restic/codec/zstd.ts'
import { encodeTree } from '../../../src/restic/nodes/tree-encoder.ts'
import { listSnapshotFolder } from '../../../src/restic/read/list-folder.ts'
import { treeBatches } from '../../../src/restic/read/tree-source.ts'
import type { Repository } from '../../../src/restic/repository/repository.ts'
import { given } from '../../support/given.ts'
import { plainEntry } from '../../support/memory-trees.ts'

const COUNT = 40_000

/** Puts a tree of many names into the repository; gives its id. */
async function putLargeTree(repository: Repository, wrongId = false): Promise<Buffer> {
  const plain = encodeTree(
    Array.from({ length: COUNT }, (_, n) => ({
      entry: { ...plainEntry, path: Buffer.from(`name-${String(n).padStart(6, '0')}`) },
      content: [createHash('sha256').update(`${n}`).digest()],
      subtree: null,
    })),
  )
  const id = createHash('sha256')
    .update(wrongId ? 'something else' : plain)
    .digest()
  const packs = repository.beginPacks()
  const sealed = seal(repository.key, compress(plain))
  await packs.add({ type: 'tree', id, sealed, plainLength: plain.length, compressed: true })
  await packs.finish()
  return id
}

async function sizesOfBatches(repository: Repository, id: Buffer): Promise<number[]> {
  const sizes: number[] = []
  for await (const nodes of treeBatches(repository, id)) sizes.push(nodes.length)
  return sizes
}

test('a tree with very many names is read in pieces', async () => {
  const { repository } = await given.repository()
  const id = await putLargeTree(repository)
  const sizes = await sizesOfBatches(repository, id)
  expect(sizes.reduce((sum, size) => sum + size)).toBe(COUNT)
  expect(Math.max(...sizes)).toBeLessThan(2000)
  const question = { path: '', after: 'name-039997', limit: 10 }
  const page = await listSnapshotFolder(repository, { tree: id, root: null }, question)
  expect(page.files.map(({ path }) => path)).toEqual(['name-039998', 'name-039999'])
})

test('a large tree that is damaged is refused', async () => {
  const world = await given.repository()
  const { repository } = world
  const id = await putLargeTree(repository)
  const { pack = '', offset = 0, length = 0 } = repository.locate('tree', id) ?? {}
  const fd = openSync(`${world.path}/data/${pack.slice(0, 2)}/${pack}`, 'r+')
  const byte = Buffer.alloc(1)
  readSync(fd, byte, 0, 1, Math.floor(offset + length / 2))
  writeSync(fd, Buffer.of((byte[0] ?? 0) ^ 1), 0, 1, Math.floor(offset + length / 2))
  closeSync(fd)
  const facts = expect.objectContaining({ pack })
  await expect(sizesOfBatches(repository, id)).rejects.toThrow(
    expect.objectContaining({ code: 'SNAPSHOT_CORRUPT', facts }),
  )
})

test('a large intact tree with another id is refused', async () => {
  const { repository } = await given.repository()
  const id = await putLargeTree(repository, true)
  await expect(sizesOfBatches(repository, id)).rejects.toThrow(/does not match its id/)
})
