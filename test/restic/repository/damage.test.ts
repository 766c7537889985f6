import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { BackupdError } from '../../../src/lib/errors.ts'
import type { Driver } from '../../../src/objects/driver.ts'
import { listPacks } from '../../../src/restic/repository/layout.ts'
import { streamBlob } from '../../../src/restic/repository/stream-blob.ts'
import { faultyLocal } from '../../support/faulty-local.ts'
import { given } from '../../support/given.ts'
import { addSnapshot, blobOf, collectIds, idOf } from '../../support/repository-content.ts'

const CONTENT = Buffer.from('what a file holds')

function flip(file: string, at: number): void {
  const bytes = readFileSync(file)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(file, bytes)
}

async function filled() {
  const world = await given.repository()
  const { repository } = world
  await addSnapshot(repository, { file: CONTENT, other: Buffer.from('other') })
  return { ...world, repository }
}

test('a wrong password is reported, and changes nothing', async () => {
  const { open, path } = await filled()
  const before = readdirSync(path, { recursive: true })
  await expect(open('wrong')).rejects.toMatchObject({
    code: 'REPOSITORY_PASSWORD',
    message: expect.stringContaining('--repository-password-file'),
  })
  expect(readdirSync(path, { recursive: true })).toEqual(before)
})

test('a missing repository is NOT_FOUND, and an existing one is not created again', async () => {
  const { open } = await given.unmadeRepository()
  await expect(open()).rejects.toMatchObject({ code: 'NOT_FOUND' })
  const { create } = await filled()
  await expect(create()).rejects.toMatchObject({ code: 'CONFLICT' })
})

test('a damaged config, key, index or snapshot file is named', async () => {
  for (const kind of ['config', 'keys', 'index', 'snapshots'] as const) {
    const { path, open, repository } = await filled()
    const [snapshot = ''] = await collectIds(repository.listUnpacked('snapshots'))
    const names = kind === 'config' ? ['config'] : readdirSync(join(path, kind)).map((id) => `${kind}/${id}`)
    flip(join(path, names[0] ?? ''), 40)
    const use = async () => {
      const opened = await open()
      await opened.loadIndex()
      await opened.loadUnpacked('snapshots', snapshot)
    }
    await expect(use(), kind).rejects.toMatchObject({
      code: 'REPOSITORY_DAMAGED',
      message: expect.stringContaining(names[0] ?? ''),
    })
  }
})

test('a missing config is damage, not a place for a new repository', async () => {
  const { path, open, create } = await filled()
  rmSync(join(path, 'config'))
  await expect(open()).rejects.toMatchObject({ code: 'REPOSITORY_DAMAGED' })
  await expect(create()).rejects.toMatchObject({ code: 'REPOSITORY_DAMAGED' })
})

test('an interrupted creation is started again', async () => {
  const world = await given.repository()
  rmSync(join(world.path, 'config'))
  const repository = await world.create()
  expect(await collectIds(repository.listUnpacked('keys'))).toHaveLength(1)
  expect((await world.open()).id).toBe(repository.id)
})

test('a flipped byte in a pack is found when the blob is read, and the pack is named', async () => {
  const { repository, path } = await filled()
  const { pack = '', offset = 0, length = 0 } = repository.locate('data', idOf(CONTENT)) ?? {}
  const file = join(path, 'data', pack.slice(0, 2), pack)
  for (let at = offset; at < offset + length; at++) {
    flip(file, at)
    await expect(repository.readBlob('data', idOf(CONTENT)), `byte ${at}`).rejects.toMatchObject({
      code: 'SNAPSHOT_CORRUPT',
      facts: { pack, blob: idOf(CONTENT).toString('hex'), type: 'data' },
    })
    flip(file, at)
  }
  expect(await repository.readBlob('data', idOf(CONTENT))).toEqual(CONTENT)
})

test('a missing pack, a short one and an unknown blob are SNAPSHOT_CORRUPT', async () => {
  const { repository, path, open } = await filled()
  const { pack = '' } = repository.locate('data', idOf(CONTENT)) ?? {}
  const file = join(path, 'data', pack.slice(0, 2), pack)
  writeFileSync(file, readFileSync(file).subarray(0, 10))
  const opened = await open()
  await opened.loadIndex()
  const corrupt = { code: 'SNAPSHOT_CORRUPT', facts: { pack } }
  await expect(opened.readBlob('data', idOf(CONTENT))).rejects.toMatchObject(corrupt)
  rmSync(file)
  const without = await open()
  await without.loadIndex()
  await expect(without.readBlob('data', idOf(CONTENT))).rejects.toMatchObject(corrupt)
  await expect(without.readBlob('data', idOf(Buffer.from('unknown')))).rejects.toMatchObject({
    code: 'SNAPSHOT_CORRUPT',
    facts: { pack: null },
  })
})

test('if one copy of a blob is damaged, another is read, and the damage is reported', async () => {
  const { repository, path, open, warnings } = await filled()
  const { pack = '', offset = 0 } = repository.locate('data', idOf(CONTENT)) ?? {}
  // As two runs at once leave it: each had not seen the other's index.
  const apart = await open()
  const packs = apart.beginPacks()
  await packs.add(blobOf(apart, 'data', CONTENT))
  await packs.finish()
  flip(join(path, 'data', pack.slice(0, 2), pack), offset + 20)

  const opened = await open()
  await opened.loadIndex()
  const entries = (await opened.loadIndex()).copies('data', idOf(CONTENT))
  expect(entries).toHaveLength(2)
  expect(await opened.readBlob('data', idOf(CONTENT))).toEqual(CONTENT)
  const [first = -1] = entries
  const isDamagedFirst = opened.locate('data', idOf(CONTENT))?.pack === pack
  expect(first).toBeGreaterThanOrEqual(0)
  expect(warnings).toEqual(isDamagedFirst ? [expect.stringContaining(pack)] : [])
})

test('damage stays known when another run replaces the index file', async () => {
  const { repository, place, open } = await filled()
  const { pack = '' } = repository.locate('data', idOf(CONTENT)) ?? {}
  const others = (await Array.fromAsync(listPacks(place))).map(({ id }) => id).filter((id) => id !== pack)
  const [file] = await collectIds(repository.listUnpacked('index'))
  await repository.loadIndex()
  repository.distrust([pack])
  const other = await open()
  await other.loadIndex()
  await other.dropFromIndex(new Set(others))
  expect(await collectIds(repository.listUnpacked('index'))).not.toContain(file)
  const index = await repository.loadIndex()
  expect(index.copies('data', idOf(CONTENT))).toHaveLength(1)
  expect(index.has('data', idOf(CONTENT))).toBe(false)
})

test('a store that cannot be read is no damage: its error is passed on, and no pack is distrusted', async () => {
  const { place, open } = await filled()
  const gone = new BackupdError('STORE_UNAVAILABLE', 'the store does not answer')
  const [opened, fresh] = [await open(), await open()]
  await opened.loadIndex()
  const { open: openObject } = place.driver
  let tries = 0
  place.driver.open = () => {
    tries++
    return Promise.reject(gone)
  }
  await expect(opened.readBlob('data', idOf(CONTENT))).rejects.toBe(gone)
  await expect(Array.fromAsync(streamBlob(opened, 'data', idOf(CONTENT)))).rejects.toBe(gone)
  tries = 0
  place.driver.open = (name) => (tries++ === 0 ? Promise.reject(gone) : openObject(name))
  await expect(Array.fromAsync(streamBlob(opened, 'data', idOf(CONTENT))), 'once').rejects.toBe(gone)
  place.driver.open = () => {
    tries++
    return Promise.reject(gone)
  }
  tries = 0
  await expect(fresh.loadIndex()).rejects.toBe(gone)
  expect(tries).toBe(1)
  place.driver.open = openObject
  expect([...opened.distrusted]).toEqual([])
  expect(await opened.readBlob('data', idOf(CONTENT))).toEqual(CONTENT)
})

test.each(['{"packs":7}', '{"packs":[{"id":"short","blobs":[]}]}', '{"packs":[{"blobs":[{"id":1}]}]}', '['])(
  'an index file with the content %s is damaged, and named',
  async (content) => {
    const { repository, open } = await filled()
    const id = await repository.saveUnpacked('index', Buffer.from(content))
    await expect((await open()).loadIndex()).rejects.toMatchObject({
      code: 'REPOSITORY_DAMAGED',
      message: expect.stringMatching(`index/${id}.*it is not an index`),
    })
  },
)

test('an index file that is always gone when it is opened is given up after five tries', async () => {
  const { repository, open, place } = await given.repository({ driverOf: faultyLocal })
  await addSnapshot(repository, { file: CONTENT })
  const opened = await open()
  const faulty = place.driver as ReturnType<typeof faultyLocal>
  const before = faulty.calls.length
  faulty.fail('open').times(99).with(new BackupdError('NOT_FOUND', 'it is gone'))
  await expect(opened.loadIndex()).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(faulty.calls.slice(before).filter((call) => call.startsWith('open'))).toHaveLength(5)
})

test('an index file that another key sealed is damaged because of its checksum', async () => {
  const { open, path } = await filled()
  const sealed = Buffer.alloc(100, 7)
  writeFileSync(join(path, 'index', idOf(sealed).toString('hex')), sealed)
  await expect((await open()).loadIndex()).rejects.toMatchObject({
    code: 'REPOSITORY_DAMAGED',
    message: expect.stringMatching(/^(?!.*not an index).*its checksum is wrong/),
  })
})

test.each([
  ['once is read again, and used', 1, true],
  ['twice is left out from then on', 2, false],
])('for a verification, an index file that reads as damaged %s', async (_what, failures, isUsed) => {
  const { open, path, place } = await filled()
  const opened = await open()
  opened.ignoreDamagedIndexes()
  const { driver } = place
  const openObject = driver.open
  let reads = 0
  driver.open = async (name) => {
    const reader = await openObject.call(driver, name)
    if (!name.includes('/index/') || ++reads > failures) return reader
    return { ...reader, read: async (from, length) => Buffer.alloc(Math.min(length, reader.size - from)) }
  }
  const [index] = readdirSync(join(path, 'index'))
  await opened.loadIndex()
  expect(opened.locate('data', idOf(CONTENT)) !== undefined).toBe(isUsed)
  await opened.loadIndex()
  expect([readdirSync(join(path, 'index')), reads]).toEqual([[index], 2])
})

test('one bad read of a tree or of content is no damage: it is read again', async () => {
  const { repository, place, open: reopen } = await filled()
  const [snapshot = ''] = await collectIds(repository.listUnpacked('snapshots'))
  const { tree } = JSON.parse((await repository.loadUnpacked('snapshots', snapshot)).toString())
  const driver = place.driver as { open: Driver['open'] }
  const open = driver.open.bind(driver)
  for (const [type, id] of [
    ['data', idOf(CONTENT)],
    ['tree', Buffer.from(tree, 'hex')],
  ] as const) {
    driver.open = open
    const opened = await reopen()
    await opened.loadIndex()
    let reads = 0
    driver.open = async (...args) => {
      const reader = await open(...args)
      const read = async (position: number, length: number) => {
        const bytes = Buffer.from(await reader.read(position, length))
        if (reads++ === 0) bytes[5] = (bytes[5] ?? 0) ^ 1
        return bytes
      }
      return { ...reader, size: reader.size, read, close: () => reader.close() } as typeof reader
    }
    expect((await opened.readBlob(type, id)).length).toBeGreaterThan(0)
    expect(reads).toBe(2)
  }
})
