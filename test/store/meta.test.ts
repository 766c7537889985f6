import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Meta } from '../../src/store/meta.ts'
import { given } from '../support/given.ts'
import { publishSample } from '../support/sample-backups.ts'
import { publishInChild } from '../support/store-child.ts'
import { IP, SOURCE, T0 } from '../support/store-samples.ts'
import { tempDir } from '../support/temp-dir.ts'

const ENTITY = {
  mode: 'full' as const,
  source: SOURCE,
  volume: '/data/db',
  name: 'a-1700000000.tar.gz',
  server: IP,
  size: 1,
  created: '2026-11-23T09:24:06Z',
  containers: null,
  instanceNo: 1,
}

it('keeps entries that it cannot read', () => {
  const strange = [{ name: 'x', from: 'the future' }, 17, null]
  const meta = Meta.parse(Buffer.from(JSON.stringify({ [SOURCE]: [...strange, ENTITY], '/empty': null })))
  meta.put({ ...ENTITY, name: 'b-1700000001.tar.gz' })
  expect(meta.drop([ENTITY.name])).toBe(true)
  expect(meta.drop([ENTITY.name])).toBe(false)
  expect(JSON.parse(meta.toText().toString())).toEqual({
    [SOURCE]: [...strange, { ...ENTITY, name: 'b-1700000001.tar.gz' }],
  })
})

it.each([{ mode: '' }, { mode: undefined }])('treats an entity with %j as a full backup', ({ mode }) => {
  const meta = Meta.parse(Buffer.from(JSON.stringify({ [SOURCE]: [{ ...ENTITY, mode }] })))
  expect(meta.find(ENTITY.name)).toEqual(ENTITY)
})

it('reads content among NULs', () => {
  const text = `\0\0${JSON.stringify({ [SOURCE]: [ENTITY] })}\0`
  expect(Meta.parse(Buffer.from(text)).find(ENTITY.name)).toEqual(ENTITY)
})

it('accepts any path as a source', () => {
  const meta = new Meta()
  meta.put({ ...ENTITY, source: '__proto__' })
  meta.put({ ...ENTITY, name: 'series', mode: 'increment', source: '/x' })
  expect(Object.keys(JSON.parse(meta.toText().toString()))).toEqual(['__proto__', '/x@increment'])
  expect(Meta.parse(meta.toText()).find('series')).toMatchObject({ source: '/x', mode: 'increment' })
})

it.each(['garbage', '', '[]', '{"a": 1}', '\0\0\0', '{"/data": [{}'])(
  'sets a broken .meta (%j) aside, says so, and makes it again from the manifests',
  async (broken) => {
    const { store, dir, warnings, backups } = await given.withBackups(1).store()
    const [first] = backups
    writeFileSync(join(dir, IP, '.meta'), broken)
    const second = await publishSample(store)
    const names = readdirSync(join(dir, IP))
    expect(names).toContain(`.meta.broken-${T0}`)
    expect(readFileSync(join(dir, IP, `.meta.broken-${T0}`), 'utf8')).toBe(broken)
    expect(entitiesIn(dir)).toEqual([first.name, second.name])
    expect(warnings.at(-1)).toMatch(/".*\.meta" cannot be read .* rebuilt from the manifests/)
    expect((await store.settle()).unknown).toEqual([])
  },
)

it('only reports a broken .meta in another namespace', async () => {
  const { store, dir, warnings, backups } = await given.withBackups(1).store()
  const [{ name }] = backups
  writeFileSync(join(dir, IP, '.meta'), 'garbage')
  expect((await store.list(IP, { limit: 5 })).backups.map((backup) => backup.name)).toEqual([name])
  expect(warnings.length).toBe(1)
  expect(readFileSync(join(dir, IP, '.meta'), 'utf8')).toBe('garbage')
})

it('is made again at start if it is missing or lacks a backup', async () => {
  const { store, dir, backups } = await given.withBackups(2).store()
  const [first, second] = backups
  for (const spoilt of ['garbage', JSON.stringify({ [SOURCE]: [] })]) {
    writeFileSync(join(dir, IP, '.meta'), spoilt)
    await store.settle()
    expect(entitiesIn(dir)).toEqual([first.name, second.name])
  }
})

it('loses no entry if many publish at once, in one process', async () => {
  const dir = tempDir()
  const publishThree = async (_: unknown, n: number) => {
    const { store } = await given.store({ dir })
    const volume = { archive: `volume-${n}`, source: `/data/volume-${n}` }
    return [
      await publishSample(store, volume),
      await publishSample(store, volume),
      await publishSample(store, volume),
    ]
  }
  const made = await Promise.all(Array.from({ length: 8 }, publishThree))
  expect(entitiesIn(dir)).toEqual(
    made
      .flat()
      .map(({ name }) => name)
      .sort(),
  )
})

it('loses no entry if many processes publish at once', async () => {
  const dir = tempDir()
  await given.store({ dir })
  const children = [1, 2, 3, 4].map((n) => publishInChild(dir, `volume-${n}`, 5))
  const names = (await Promise.all(children)).flat()
  expect(names.length).toBe(20)
  expect(entitiesIn(dir)).toEqual(names.sort())
})

function entitiesIn(dir: string): string[] {
  const lists: { name: string }[][] = Object.values(JSON.parse(readFileSync(join(dir, IP, '.meta'), 'utf8')))
  return lists
    .flat()
    .map(({ name }) => name)
    .sort()
}

it('has our entities in the exact shape of the legacy ones', async () => {
  const { dir } = await given.withBackups(1).store()
  const exchanges: { name: string; body: object[] }[] = JSON.parse(
    readFileSync(new URL('../fixtures/wire/daemon.json', import.meta.url), 'utf8'),
  )
  const recorded = exchanges.find(({ name }) => name === 'daemon backups')?.body[0] ?? {}
  const lists: object[][] = Object.values(JSON.parse(readFileSync(join(dir, IP, '.meta'), 'utf8')))
  const kinds = (entity: object) => Object.entries(entity).map(([key, value]) => [key, typeof value])
  expect(kinds(lists[0]?.[0] ?? {})).toEqual(kinds(recorded))
})

it('keeps unknown fields of an entity across our own backups and deletes', async () => {
  const { store, dir } = await given.store()
  const strange = { ...ENTITY, label: 'of a later version', containers: null }
  writeFileSync(join(dir, IP, '.meta'), `${JSON.stringify({ [SOURCE]: [strange] })}\0\0\0`)
  writeFileSync(join(dir, IP, ENTITY.name), 'an archive')
  const made = await publishSample(store)
  await store.remove([made.name])
  expect(JSON.parse(readFileSync(join(dir, IP, '.meta'), 'utf8'))).toEqual({ [SOURCE]: [strange] })
})
