import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { faultyLocal } from '../support/faulty-local.ts'
import { given } from '../support/given.ts'
import { recordDisk } from '../support/recorded-disk.ts'
import { recordedEntity, writeRecordedMeta } from '../support/recorded-store.ts'
import { publishSample } from '../support/sample-backups.ts'
import { IP, OBJECT, SOURCE } from '../support/store-samples.ts'
import { tempDir } from '../support/temp-dir.ts'

const NAME = 'hello-hello.web.web-1-data-db'
const ARCHIVE = `${NAME}-1795425846.tar.gz`

/** A namespace that the legacy system filled: an archive and a mirror. */
async function recorded(dir = tempDir()) {
  const namespace = join(dir, IP)
  mkdirSync(join(namespace, NAME, 'sub/deep'), { recursive: true })
  for (const path of ['time.log', 'sub/a', 'sub/deep/b']) writeFileSync(join(namespace, NAME, path), path)
  writeFileSync(join(namespace, ARCHIVE), OBJECT)
  const full = recordedEntity({ name: ARCHIVE, source: SOURCE, size: OBJECT.length })
  writeRecordedMeta(namespace, [
    full,
    recordedEntity({ mode: 'increment', name: NAME, source: SOURCE, size: 0 }),
  ])
  const at = (path: string) => join(namespace, NAME, path)
  const metaKeys = () =>
    Object.keys(JSON.parse(readFileSync(join(namespace, '.meta'), 'utf8').replace(/\0+$/, '')))
  return { ...(await given.store({ dir })), namespace, at, metaKeys }
}

const never = new AbortController().signal

it('is found, and its folder can be read', async () => {
  const { store } = await recorded()
  const found = await store.findMirror(IP, NAME)
  expect(found?.info).toMatchObject({ mode: 'increment', source: SOURCE, app: 'hello', containers: [] })
  expect(await found?.mirror?.withFolder(async (path) => readdirSync(path).sort())).toEqual([
    'sub',
    'time.log',
  ])
  expect(await store.findMirror(IP, ARCHIVE)).toBeUndefined()
})

describe('deleting', () => {
  it('a mirror removes all of it with its entry, and nothing else', async () => {
    const { store, names, metaKeys } = await recorded()
    expect(await store.remove([NAME])).toEqual([NAME])
    expect(metaKeys()).toEqual([SOURCE])
    expect((await store.list(IP, { limit: 10 })).backups.map(({ name }) => name)).toEqual([ARCHIVE])
    await store.sweep(never)
    expect(names()).toEqual([ARCHIVE])
    expect(await store.remove([NAME])).toEqual([])
  })

  it('a mirror and an archive together removes both, and names them as they were asked for', async () => {
    const { store, names, metaKeys } = await recorded()
    expect(await store.remove([`${NAME}/sub`, NAME, 'never-was', ARCHIVE])).toEqual([
      `${NAME}/sub`,
      NAME,
      ARCHIVE,
    ])
    await store.sweep(never)
    expect([names(), metaKeys()]).toEqual([[], []])
  })

  it('a mirror is on disk as deleted before its entry is removed', async () => {
    const dir = tempDir()
    await recorded(dir)
    const faulty = faultyLocal(dir)
    const { store } = await given.store({ dir, driver: faulty })
    const { steps } = await recordDisk(dir)
    await store.remove([NAME])
    const known = steps.map((step) => step.replaceAll(/(deleted|part)-[0-9a-f]{42}/g, '$1'))
    const at = known.indexOf(`move ${IP}/${NAME} ${IP}/${NAME}.deleted`)
    expect(at).toBeGreaterThanOrEqual(0)
    expect(known[at + 1]).toBe(`sync ${IP}`)
    expect(known.indexOf(`move ${IP}/.meta.part ${IP}/.meta`)).toBeGreaterThan(at + 1)
  })

  it('NAME/path removes only that', async () => {
    const { store, at } = await recorded()
    expect(await store.remove([`${NAME}/sub/deep`, `${NAME}/time.log/`, `${NAME}/none/x`])).toEqual([
      `${NAME}/sub/deep`,
      `${NAME}/time.log/`,
    ])
    await store.sweep(never)
    expect([readdirSync(at('')), readdirSync(at('sub'))]).toEqual([['sub'], ['a']])
    expect(await store.find(IP, NAME)).toBeDefined()
  })

  it.each([
    ['..', `${NAME}/..`],
    ['a way out', `${NAME}/sub/../../${ARCHIVE}`],
    ['an empty part', `${NAME}//sub`],
    ['a NUL', `${NAME}/sub\0`],
    ['inside of an archive', `${ARCHIVE}/db`],
    ['the own files', '.meta/x'],
  ])('refuses %s, and changes nothing', async (_what, path) => {
    const { store, at, names } = await recorded()
    await expect(store.remove([`${NAME}/time.log`, path])).rejects.toMatchObject({ code: 'BAD_INPUT' })
    expect([readdirSync(at('')).sort(), names()]).toEqual([
      ['sub', 'time.log'],
      [NAME, ARCHIVE],
    ])
  })

  it('ignores NAME/path if NAME does not exist, even if .meta still has its files', async () => {
    const { store, at } = await recorded()
    const names = [`${NAME}/time.log`, 'none/x', `${NAME}-1795425847.tar.gz/db`]
    expect(await store.remove(names)).toEqual([`${NAME}/time.log`])
    rmSync(at(''), { recursive: true })
    expect(await store.remove([`${NAME}/sub`])).toEqual([])
  })

  it('never follows a link that leads out', async () => {
    const { store, at, dir } = await recorded()
    const outside = join(dir, 'outside')
    mkdirSync(join(outside, 'x'), { recursive: true })
    symlinkSync(outside, at('link'))
    expect(await store.remove([`${NAME}/link/x`])).toEqual([])
    expect(await store.remove([`${NAME}/link`])).toEqual([`${NAME}/link`])
    expect(await store.remove([NAME])).toEqual([NAME])
    await store.sweep(never)
    expect(readdirSync(outside)).toEqual(['x'])
  })

  it('is finished at the next start after a crash', async () => {
    for (let nth = 1; ; nth++) {
      const dir = tempDir()
      const { namespace } = await recorded(dir)
      const faulty = faultyLocal(dir)
      const { store } = await given.store({ dir, driver: faulty })
      const before = faulty.calls.length
      faulty.crash('any').after(nth - 1)
      const done = await store.remove([NAME]).then(
        () => true,
        () => false,
      )
      if (done) {
        await store.sweep(never).catch(() => {})
        expect(nth).toBeGreaterThan(5)
        if (!faulty.isCrashed) faulty.crash('check').with(new Error('hit'))
        await store.driver.check().catch(() => {})
        break
      }
      expect(faulty.calls.length).toBeGreaterThan(before)
      const again = await given.store({ dir })
      await again.store.settle()
      const isListed = (await again.store.list(IP, { limit: 10 })).backups.some(({ name }) => name === NAME)
      expect(isListed).toBe(existsSync(join(namespace, NAME)))
      await again.store.remove([NAME])
      await again.store.sweep(never)
      expect(again.names()).toEqual([ARCHIVE])
      expect((await again.store.settle()).unknown).toEqual([])
    }
  })
})

it('leaves a folder alone that only looks like one being deleted', async () => {
  const { store, names, namespace } = await recorded()
  mkdirSync(join(namespace, 'x.deleted-soon'))
  await store.sweep(never)
  expect(names()).toContain('x.deleted-soon')
  expect(await store.unknown(IP)).toEqual({ count: 1, names: ['x.deleted-soon'] })
})

it('counts unknown objects and names the first of them, in a namespace of any server', async () => {
  const { store, namespace, dir } = await recorded()
  expect(await store.unknown(IP)).toEqual({ count: 0, names: [] })
  for (let n = 0; n < 100; n++) writeFileSync(join(namespace, `stranger-${String(n).padStart(3, '0')}`), '')
  const { count, names } = await store.unknown(IP)
  expect([count, names.length, names[0], names.at(-1)]).toEqual([100, 20, 'stranger-000', 'stranger-019'])
  mkdirSync(join(dir, '10.0.0.9'))
  mkdirSync(join(dir, 'no-server'))
  expect(await store.namespaces()).toEqual([IP, '10.0.0.9'])
  expect(await store.unknown('10.0.0.9')).toEqual({ count: 0, names: [] })
})

it('lists and counts although 100,000 files are unknown', async () => {
  const { store, namespace } = await recorded()
  for (let n = 0; n < 100_000; n++) writeFileSync(join(namespace, `stranger-${n}`), '')
  expect(await store.unknown(IP)).toMatchObject({ count: 100_000, names: { length: 20 } })
  expect((await store.list(IP, { limit: 10 })).backups.map(({ name }) => name)).toEqual([NAME, ARCHIVE])
  expect(await store.remove([NAME])).toEqual([NAME])
  expect((await store.settle()).unknown).toHaveLength(100_000)
})

it('is in no list if only its entry is left, and a delete removes the entry', async () => {
  const { store, at, metaKeys } = await recorded()
  rmSync(at(''), { recursive: true })
  expect((await store.list(IP, { limit: 10 })).backups.map(({ name }) => name)).toEqual([ARCHIVE])
  expect(await store.find(IP, NAME)).toBeUndefined()
  expect(await store.remove([NAME])).toEqual([])
  expect(metaKeys()).toEqual([SOURCE])
})

it('is named as unknown, and left alone, if .meta cannot be read', async () => {
  const { store, namespace, names } = await recorded()
  writeFileSync(join(namespace, '.meta'), '{"/data": [{')
  expect(await store.unknown(IP)).toEqual({ count: 1, names: [NAME] })
  await publishSample(store)
  expect(names()).toContain(NAME)
  expect(names()).toContain(ARCHIVE)
})
