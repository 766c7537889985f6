import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { listPacks } from '../../../src/restic/repository/layout.ts'
import type { Repository } from '../../../src/restic/repository/repository.ts'
import { given } from '../../support/given.ts'
import { readNodes } from '../../support/nodes.ts'
import { readPackHeader } from '../../support/pack-headers.ts'
import { addSnapshot, idOf as blobId, collectIds, readSnapshot } from '../../support/repository-content.ts'
import { hasRestic } from '../../support/restic.ts'

const FILES = {
  'a.txt': 'a few words',
  empty: '',
  'sub/text': 'the same line again and again\n'.repeat(100_000),
  'sub/random': randomBytes(5_000_000),
  'sub/deeper/ü': 'umlaut',
}

/** Every file of a tree, by its name, read through the index. */
async function contentsOf(repository: Repository, tree: Buffer): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>()
  for (const node of readNodes(await repository.readBlob('tree', tree))) {
    if (node.subtree)
      for (const [name, plain] of await contentsOf(repository, node.subtree)) found.set(name, plain)
    if (node.entry.type !== 'file') continue
    const plains: Buffer[] = []
    for (const id of node.content) plains.push(await repository.readBlob('data', id))
    found.set(node.name.toString(), Buffer.concat(plains))
  }
  return found
}

describe.skipIf(!hasRestic)('repositories that restic wrote (needs restic)', () => {
  it.each(['off', 'auto'])(
    'with compression %s are read, and restic accepts our additions',
    async (compression) => {
      const world = await given.files(FILES).unmadeRepository()
      world.restic('init')
      world.restic('backup', '--compression', compression, world.volume)
      const repository = await world.open()
      await repository.loadIndex()

      const [id = ''] = await collectIds(repository.listUnpacked('snapshots'))
      const contents = await contentsOf(repository, (await readSnapshot(repository, id)).tree)
      for (const [path, content] of Object.entries(FILES)) {
        const name = path.slice(path.lastIndexOf('/') + 1)
        expect(contents.get(name)?.equals(Buffer.from(content)), path).toBe(true)
      }
      for await (const pack of listPacks(world.place)) {
        for (const { type, id: blob, ...row } of await readPackHeader(repository, pack.id)) {
          expect(repository.locate(type, blob)).toEqual({ ...row, pack: pack.id })
        }
      }

      const ours = await addSnapshot(repository, { ours: Buffer.from('written by us') })
      expect(world.check).not.toThrow()
      expect(world.restic('dump', ours, '/ours')).toBe('written by us')
    },
  )

  it('with several keys are opened by each password', async () => {
    const world = await given.repository()
    const { repository } = world
    writeFileSync(`${world.dir}/second`, 'another')
    world.restic('key', 'add', '--new-password-file', `${world.dir}/second`)
    expect((await world.open('another')).id).toBe(repository.id)
    await expect(world.open('a third')).rejects.toMatchObject({ code: 'REPOSITORY_PASSWORD' })
  })
})

describe.skipIf(!hasRestic)('a repository of ours (needs restic)', () => {
  it('is accepted by restic check, empty and filled, with packs of both kinds and several index files', async () => {
    const world = await given.repository()
    const { repository } = world
    expect(world.check).not.toThrow()

    const files: Record<string, Buffer> = { large: randomBytes(8_000_000), larger: randomBytes(15_000_000) }
    for (let n = 0; n < 60_000; n++) files[`small-${n}`] = Buffer.from(`content ${n}`)
    await addSnapshot(repository, files)
    expect(await collectIds(repository.listUnpacked('index'))).toHaveLength(2)
    expect(world.check).not.toThrow()
    expect(world.restic('dump', 'latest', '/small-59999')).toBe('content 59999')

    const again = await world.open()
    const index = await again.loadIndex()
    expect(index.size).toBe(60_003)
    const ids = Object.values(files).map((plain) => blobId(plain))
    let read = 0
    for await (const { id, plain } of again.readBlobs('data', ids)) {
      expect(blobId(plain).equals(id)).toBe(true)
      read += 1
    }
    expect(read).toBe(60_002)
  })
})
