import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Store } from '../../src/store/store.ts'
import { isGood, type Manifest } from '../../src/wire/backup.ts'
import { given } from '../support/given.ts'
import { publishSample, writePendingBackup } from '../support/sample-backups.ts'
import { ARCHIVE, INDEX, IP, OBJECT, SOURCE, T0 } from '../support/store-samples.ts'
import { tempDir } from '../support/temp-dir.ts'

const DEAD = '10.0.0.9'

/** The namespace of a server that is gone, `count` backups of two volumes in it, put there without a daemon. */
function fill(dir: string, model: Manifest, count: number): string[] {
  mkdirSync(join(dir, DEAD))
  const names: string[] = []
  for (let n = 0; n < count; n++) {
    const name = `${n % 2 ? 'odd' : 'even'}-${T0 + n}.tar.gz`
    const source = n % 2 ? '/data/odd' : '/data/even'
    writeFileSync(join(dir, DEAD, name), OBJECT)
    const manifest = JSON.stringify({ ...model, name, source, sequence: n })
    writeFileSync(join(dir, DEAD, `${name}.manifest.json`), manifest)
    names.push(name)
  }
  return names.sort()
}

async function allPages(store: Store, namespace: string, options: { source?: string; limit: number }) {
  const pages: string[][] = []
  let after = ''
  for (;;) {
    const page = await store.list(namespace, { ...options, after })
    pages.push(page.backups.map(({ name }) => name))
    if (page.next === null) return pages
    expect(page.next).toBe(page.backups.at(-1)?.name)
    after = page.next
  }
}

describe('list', () => {
  it('gives 2,000 backups by name, page by page, each once', async () => {
    const { dir, store } = await given.store()
    const names = fill(dir, await publishSample(store), 2000)
    const pages = await allPages(store, DEAD, { limit: 300 })
    expect(pages.map((page) => page.length)).toEqual([300, 300, 300, 300, 300, 300, 200])
    expect(pages.flat()).toEqual(names)
    expect((await allPages(store, DEAD, { limit: 2000 })).flat()).toEqual(names)
  })

  it('can be limited to a volume, whether or not .meta helps', async () => {
    const { dir, store, backups } = await given.withBackups(1).store()
    const [model] = backups
    const odd = fill(dir, model, 100).filter((name) => name.startsWith('odd'))
    const pages = await allPages(store, DEAD, { source: '/data/odd', limit: 30 })
    expect(pages.map((page) => page.length)).toEqual([30, 20])
    expect(pages.flat()).toEqual(odd)
    expect(
      (await store.findRuns({ namespace: DEAD, source: '/data/odd', app: 'hello' })).newest,
    ).toMatchObject({ sequence: 99 })
    await publishSample(store, { source: '/data/other', archive: 'other' })
    expect((await allPages(store, IP, { source: SOURCE, limit: 1 })).flat()).toEqual([model.name])
    expect((await store.list(IP, { source: '/data/none', limit: 5 })).backups).toEqual([])
  })

  it('is empty for a missing namespace, and refused for an invalid one', async () => {
    const { store } = await given.store()
    expect(await store.list('10.9.9.9', { limit: 5 })).toEqual({ backups: [], next: null })
    for (const bad of ['', '..', 'etc', '10.0.0.1/..', 'localhost']) {
      await expect(store.list(bad, { limit: 5 })).rejects.toMatchObject({ code: 'BAD_INPUT' })
    }
    await expect(store.list(IP, { limit: 0 })).rejects.toMatchObject({ code: 'BAD_INPUT' })
  })

  it.each([
    [
      'of 70 MB',
      (file: string) => {
        rmSync(file)
        writeFileSync(file, '')
        truncateSync(file, 70 << 20)
      },
    ],
    [
      'a directory',
      (file: string) => {
        rmSync(file)
        mkdirSync(file)
      },
    ],
    [
      'a named pipe',
      (file: string) => {
        rmSync(file)
        execFileSync('mkfifo', [file])
      },
    ],
  ])('works, and so does a new backup, beside a manifest that is %s', async (_what, spoil) => {
    const made = await given.withBackups(1).store()
    const { store, dir } = made
    const [bad] = made.backups
    spoil(join(dir, IP, `${bad.name}.manifest.json`))
    const { backups } = await store.list(IP, { limit: 10 })
    expect(backups).toMatchObject([
      { name: bad.name, corrupt: expect.stringContaining('its manifest cannot be read') },
    ])
    const good = await publishSample(store)
    expect((await store.list(IP, { limit: 10 })).backups.map(({ name }) => name)).toContain(good.name)
    expect(await store.settle()).toMatchObject({ swept: [] })
  })

  it.each(['.meta', '.owner'])('names the problem of a %s of 70 MB', async (name) => {
    const { store, dir, warnings, backups } = await given.withBackups(1).store()
    const [made] = backups
    truncateSync(join(dir, IP, name), 70 << 20)
    expect((await store.list(IP, { limit: 10 })).backups).toMatchObject([{ name: made.name }])
    if (name === '.meta') expect(warnings).toEqual([expect.stringContaining('.meta" cannot be read')])
    else
      await expect(store.claim(false)).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        message: expect.stringMatching(/has 73400320 bytes, .*--take-over$/),
      })
  })

  it.each([
    ['not JSON', () => '{"format": 1, "na'],
    ['of a format to come', (text: string) => text.replace('"format": 1', '"format": 2')],
    [
      'that of another backup',
      (text: string) => text.replace(/"name": ".*?"/, '"name": "other-1700000000.tar.gz"'),
    ],
    ['without a sequence', (text: string) => text.replace(/"sequence": 1,/, '')],
    ['empty', () => ''],
  ])('shows a backup as corrupt if its manifest is %s, and hides no other', async (_what, spoil) => {
    const made = await given.withBackups(2).store()
    const { store, dir } = made
    const [bad, good] = made.backups
    const file = join(dir, IP, `${bad.name}.manifest.json`)
    writeFileSync(file, spoil(readFileSync(file, 'utf8')))
    const { backups } = await store.list(IP, { limit: 10 })
    expect(backups.map(({ name }) => name)).toEqual([bad.name, good.name])
    expect(backups[0]).toMatchObject({
      source: SOURCE,
      sequence: 0,
      rid: null,
      app: 'hello',
      proc: 'hello.web.web',
    })
    expect(backups[0]?.corrupt).toMatch(/^its manifest is /)
    expect(backups[1]?.corrupt).toBeNull()
    expect((await publishSample(store)).sequence).toBe(3)
  })

  it('does not call a file good that only has the name of a backup', async () => {
    const { store, dir } = await given.withBackups(1).store()
    const name = `other-app.web.web-1-data-${T0}.tar.gz`
    writeFileSync(join(dir, IP, name), randomBytes(100))
    const found = (await store.list(IP, { limit: 10 })).backups.find((backup) => backup.name === name)
    expect(found).toMatchObject({ suspect: 'neither a manifest nor .meta describes it', corrupt: null })
    expect(found && isGood(found)).toBe(false)
  })

  it('shows a missing or truncated archive as corrupt', async () => {
    const { store, dir, backups } = await given.withBackups(2).store()
    const [gone, cut] = backups
    rmSync(join(dir, IP, gone.name))
    writeFileSync(join(dir, IP, cut.name), OBJECT.subarray(1))
    expect((await store.list(IP, { limit: 10 })).backups).toMatchObject([
      { name: gone.name, corrupt: 'the archive is missing' },
      { name: cut.name, corrupt: 'the archive is 22 bytes, expected 23' },
    ])
  })

  it('shows nothing that is being written, published or deleted', async () => {
    const { store, dir } = await given.store()
    await writePendingBackup(store)
    const deleted = await publishSample(store)
    writeFileSync(join(dir, IP, `${deleted.name}.deleted`), '')
    writeFileSync(join(dir, IP, 'half-1700000000.tar.gz'), 'x')
    writeFileSync(join(dir, IP, `half-1700000000.tar.gz.manifest.json.part-${deleted.rid}`), 'x')
    expect((await store.list(IP, { limit: 10 })).backups).toEqual([])
    expect(await store.find(IP, 'half-1700000000.tar.gz')).toBeUndefined()
    expect(await store.find(IP, deleted.name)).toBeUndefined()
  })
})

describe('a legacy backup', () => {
  const name = 'hello-hello.web.web-1-data-db-1795425846.tar.gz'
  const entity = {
    mode: 'full',
    source: SOURCE,
    volume: '/data/db',
    name,
    server: '10.77.0.11',
    size: 342,
    created: '2026-11-23T09:24:06.799265995Z',
    containers: ['c1'],
    instanceNo: 1,
  }
  const mirror = { ...entity, mode: 'increment', name: 'hello-hello.web.web-1-data-db', size: 4096 }

  async function recorded(trailer = '') {
    const made = await given.unclaimedStore({ dir: storeDir() })
    writeFileSync(
      join(made.dir, IP, '.meta'),
      JSON.stringify({ [SOURCE]: [entity], [`${SOURCE}@increment`]: [mirror] }) + trailer,
    )
    return made
  }
  function storeDir(): string {
    const dir = tempDir()
    mkdirSync(join(dir, IP, mirror.name), { recursive: true })
    writeFileSync(join(dir, IP, name), OBJECT)
    return dir
  }

  it.each([
    ['as it is', ''],
    ['with NULs behind', '\0'.repeat(4096)],
  ])('is listed by .meta, %s', async (_what, trailer) => {
    const { store } = await recorded(trailer)
    const { backups } = await store.list(IP, { source: SOURCE, limit: 10 })
    expect(backups).toMatchObject([
      {
        name: mirror.name,
        mode: 'increment',
        size: 4096,
        source: SOURCE,
        app: 'hello',
        proc: 'hello.web.web',
      },
      {
        name,
        mode: 'full',
        size: OBJECT.length,
        source: SOURCE,
        server: IP,
        app: 'hello',
        proc: 'hello.web.web',
        volume: '/data/db',
        instanceNo: 1,
        containers: ['c1'],
        created: entity.created,
        sequence: 0,
        sha256: null,
        corrupt: null,
        state: 'success',
        hasIndex: false,
        durability: null,
      },
    ])
    const found = await store.findArchive(IP, name)
    expect(found?.manifest).toBeNull()
    expect(await found?.openIndex()).toBeNull()
    await using object = await found?.openObject()
    expect(await object?.read(0, 100)).toEqual(OBJECT)
    expect((await store.find(IP, mirror.name))?.info.mode).toBe('increment')
  })

  it('keeps its name and comes before our sequence', async () => {
    const { store } = await recorded()
    await store.claim(false)
    expect(await publishSample(store)).toMatchObject({ name: `${ARCHIVE}-${T0 + 1}.tar.gz`, sequence: 1 })
    expect((await store.settle()).unknown).toEqual([])
  })

  it('is listed by its name if .meta does not know it', async () => {
    const { store, dir } = await recorded()
    rmSync(join(dir, IP, '.meta'))
    expect((await store.list(IP, { limit: 10 })).backups).toMatchObject([
      { name, source: '', app: '', volume: '', created: '2026-11-23T09:24:06.000Z', size: OBJECT.length },
    ])
    expect((await store.find(IP, name))?.info.name).toBe(name)
    expect(await store.find(IP, mirror.name)).toBeUndefined()
  })
})

it('does not mistake an unmounted store for an empty one', async () => {
  const { dir, store } = await given.store()
  expect(await store.list(IP, { limit: 5 })).toEqual({ backups: [], next: null })
  rmSync(join(dir, IP), { recursive: true })
  await expect(store.list(IP, { limit: 5 })).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('Check also that the store is mounted'),
  })
  expect(await store.list(DEAD, { limit: 5 })).toEqual({ backups: [], next: null })
})

describe('find', () => {
  it('returns the archive and the index that the manifest names', async () => {
    const { store, backups } = await given.withBackups(1).store()
    const [manifest] = backups
    const found = await store.findArchive(IP, manifest.name)
    expect(found?.manifest).toEqual(manifest)
    await using object = await found?.openObject()
    await using index = (await found?.openIndex()) ?? undefined
    expect(await object?.read(0, 100)).toEqual(OBJECT)
    expect(await index?.read(0, 100)).toEqual(INDEX)
  })

  it.each([
    ['missing', (file: string) => rmSync(file)],
    ['cut', (file: string) => writeFileSync(file, INDEX.subarray(1))],
    ['changed', (file: string) => writeFileSync(file, Buffer.from(INDEX).fill('x', 0, 1))],
  ])('gives no index that is %s', async (_what, spoil) => {
    const { store, dir, backups } = await given.withBackups(1).store()
    const [{ name }] = backups
    spoil(join(dir, IP, `${name}.index.gz`))
    const found = await store.findArchive(IP, name)
    expect(found?.info).toMatchObject({ hasIndex: true, corrupt: null })
    expect(await found?.openIndex()).toBeNull()
  })

  it.each([
    '../x',
    'a/b',
    '..',
    '',
    '.meta',
    'x-1700000000.tar.gz.deleted',
    `x-1700000000.tar.gz.part-${'1'.repeat(42)}`,
  ])('refuses the name %j', async (name) => {
    const { store } = await given.store()
    await expect(store.find(IP, name)).rejects.toMatchObject({ code: 'BAD_INPUT' })
  })

  it('finds nothing for an unknown name', async () => {
    const { store } = await given.store()
    expect(await store.find(IP, 'none-1700000000.tar.gz')).toBeUndefined()
    expect(await store.find('10.9.9.9', 'none-1700000000.tar.gz')).toBeUndefined()
    expect((await store.findRuns({ namespace: IP, source: SOURCE, app: 'hello' })).newest).toBeUndefined()
  })
})
