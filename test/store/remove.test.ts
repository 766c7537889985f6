import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BackupdError } from '../../src/lib/errors.ts'
import { localDriver } from '../../src/objects/drivers/local.ts'
import { faultyDriver } from '../support/faulty-driver.ts'
import { faultyLocal } from '../support/faulty-local.ts'
import { given } from '../support/given.ts'
import { publishSample } from '../support/sample-backups.ts'
import { ARCHIVE, IP, namesIn, OBJECT, SOURCE, T0 } from '../support/store-samples.ts'
import { tempDir } from '../support/temp-dir.ts'

const ADOPTED = `${ARCHIVE}-${T0 - 100}.tar.gz`

/** An archive of the legacy system, with its entry in `.meta`. */
function adopt(dir: string): void {
  writeFileSync(join(dir, IP, ADOPTED), OBJECT)
  const meta = readMetaFile(dir)
  const rest = {
    mode: 'full',
    source: SOURCE,
    volume: '/data/db',
    server: IP,
    size: 23,
    created: '2026-11-23T09:22:26Z',
    containers: null,
    instanceNo: 1,
  }
  meta[SOURCE] = [{ name: ADOPTED, ...rest }, ...(meta[SOURCE] ?? [])]
  writeFileSync(join(dir, IP, '.meta'), JSON.stringify(meta))
}

function readMetaFile(dir: string): Record<string, { name: string }[]> {
  return JSON.parse(readFileSync(join(dir, IP, '.meta'), 'utf8'))
}

describe('remove', () => {
  it('removes a backup with all its files, and nothing else', async () => {
    const { store, dir, names, backups } = await given.withBackups(2).store()
    const [first, second] = backups
    expect(await store.remove([first.name, 'never-was-1700000000.tar.gz'])).toEqual([first.name])
    expect(names()).toEqual([second.name, `${second.name}.index.gz`, `${second.name}.manifest.json`])
    expect(readMetaFile(dir)[SOURCE]?.map(({ name }) => name)).toEqual([second.name])
    expect(await store.remove([first.name])).toEqual([])
  })

  it('creates the tombstone first and removes it last', async () => {
    const driver = faultyDriver(localDriver(tempDir()))
    const { store, backups } = await given.withBackups(1).store({ driver })
    const [{ name }] = backups
    const before = driver.calls.length
    await store.remove([name])
    const steps = driver.calls.slice(before).filter((call) => !/^(open|read|stat|names|lock) /.test(call))
    expect(steps).toEqual([
      ...['create', 'write', 'sync', 'commit'].map((call) => `${call} ${IP}/${name}.deleted`),
      `syncFolder ${IP}`,
      `remove ${IP}/${name}.manifest.json`,
      `replace ${IP}/.meta`,
      `remove ${IP}/${name}.index.gz`,
      `remove ${IP}/${name}`,
      `syncFolder ${IP}`,
      `remove ${IP}/${name}.deleted`,
      `syncFolder ${IP}`,
    ])
  })

  it('removes an archive that has no manifest', async () => {
    const { store, dir, names } = await given.withBackups(1).store()
    adopt(dir)
    expect(await store.remove([ADOPTED])).toEqual([ADOPTED])
    expect(names()).not.toContain(ADOPTED)
    expect(readMetaFile(dir)[SOURCE]?.length).toBe(1)
  })

  it.each([
    '../10.0.0.2/x-1700000000.tar.gz',
    '/etc/passwd',
    '..',
    '.meta',
    '.owner',
    'repo',
    '',
    'x\0',
    `${ARCHIVE}-${T0}.tar.gz.manifest.json`,
    `${ARCHIVE}-${T0}.tar.gz.index.gz`,
    `${ARCHIVE}-${T0}.tar.gz.deleted`,
    `${ARCHIVE}-${T0}.tar.gz.part-${'0'.repeat(42)}`,
  ])('refuses %j, with all other names of the request', async (bad) => {
    const { store, names, backups } = await given.withBackups(1).store()
    const [{ name }] = backups
    const before = names()
    await expect(store.remove([name, bad])).rejects.toMatchObject({ code: 'BAD_INPUT' })
    expect(names()).toEqual(before)
  })

  it('refuses a held backup, and names the holds', async () => {
    const { store, dir, names, backups } = await given.withBackups(2).store()
    const [{ name }, other] = backups
    const file = join(dir, IP, `${name}.manifest.json`)
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), holds: ['audit 2026'] }))
    const before = names()
    await expect(store.remove([other.name, name])).rejects.toThrow(
      `Cannot delete "${name}": it is held (audit 2026). Release it first`,
    )
    expect(names()).toEqual(before)
  })

  it('works on a store too full for a new .meta', async () => {
    const dir = tempDir()
    const driver = faultyLocal(dir)
    const { store, names, backups } = await given.withBackups(1).store({ dir, driver })
    const [{ name }] = backups
    driver.fail('replace').with(new BackupdError('STORE_FULL', 'no room'))
    expect(await store.remove([name])).toEqual([name])
    expect(names()).toEqual([])
    expect(readMetaFile(dir)).toEqual({})
  })

  it('gives up the reserve if there is no room for the tombstone', async () => {
    const dir = tempDir()
    const driver = faultyLocal(dir)
    const { store, names } = await given.store({ dir, driver })
    await store.preparePassword()
    await using _repository = await store.ownRepository()
    await store.keepReserve()
    const { name } = await publishSample(store)
    const before = driver.calls.length
    driver.fail('create').with(new BackupdError('STORE_FULL', 'no room'))
    expect(await store.remove([name])).toEqual([name])
    const writes = driver.calls.slice(before).filter((call) => /^(create|remove) /.test(call))
    expect(writes.slice(0, 3)).toEqual([
      `create ${IP}/${name}.deleted`,
      `remove ${IP}/.reserve`,
      `create ${IP}/${name}.deleted`,
    ])
    expect(names()).toEqual(['.reserve', 'repo'])
  })

  it.each([1, 2])('makes room for the tombstone by what it deletes, after %i refusals', async (refusals) => {
    const dir = tempDir()
    const driver = faultyLocal(dir)
    const { store, names } = await given.store({ dir, driver })
    const { name } = await publishSample(store)
    const before = driver.calls.length
    driver.fail('create').times(refusals).with(new BackupdError('STORE_FULL', 'no room'))
    expect(await store.remove([name])).toEqual([name])
    const writes = driver.calls.slice(before).filter((call) => /^(create|remove) /.test(call))
    const tombstone = `create ${IP}/${name}.deleted`
    const pieces = [`remove ${IP}/${name}.index.gz`, `remove ${IP}/${name}`].slice(0, refusals)
    expect(writes.slice(0, 2 * refusals + 1)).toEqual([
      tombstone,
      ...pieces.flatMap((piece) => [piece, tombstone]),
    ])
    expect(names()).toEqual([])
    expect(readMetaFile(dir)).toEqual({})
  })

  it('shows a backup in no list if a tombstone lies beside its manifest', async () => {
    const { store, dir, names } = await given.store()
    const [kept, deleted] = [await publishSample(store), await publishSample(store)]
    writeFileSync(join(dir, IP, `${deleted.name}.deleted`), '')
    writeFileSync(join(dir, IP, '.meta'), 'broken')
    expect((await store.list(IP, { limit: 10 })).backups.map(({ name }) => name)).toEqual([kept.name])
    expect(await store.find(IP, deleted.name)).toBeUndefined()
    expect((await store.findRuns({ namespace: IP, source: SOURCE, app: 'hello' })).newest?.name).toBe(
      kept.name,
    )
    const third = await publishSample(store)
    expect(third.sequence).toBe(2)
    expect(readMetaFile(dir)[SOURCE]?.map(({ name }) => name)).toEqual([kept.name, third.name])
    expect(await store.settle()).toMatchObject({ swept: [deleted.name], unknown: [] })
    expect(names().filter((name) => name.startsWith(deleted.name))).toEqual([])
  })

  it('finishes what a failed delete left, the next time', async () => {
    const dir = tempDir()
    const driver = faultyLocal(dir)
    const { store, names, backups } = await given.withBackups(2).store({ dir, driver })
    const [first, second] = backups
    driver.fail('remove')
    await expect(store.remove([first.name])).rejects.toThrow('Failed as ordered')
    expect((await store.list(IP, { limit: 10 })).backups.map(({ name }) => name)).toEqual([second.name])
    expect(await store.find(IP, first.name)).toBeUndefined()
    await store.remove([second.name])
    expect(names()).toEqual([])
  })
})

describe('a crash while deleting', () => {
  it.each(['with a manifest', 'adopted'])(
    'leaves a backup %s intact or deleted after settle, at every step',
    async (kind) => {
      const seen: string[] = []
      for (let step = 1; seen.at(-1) !== 'not crashed'; step++) seen.push(await crashedRemove(kind, step))
      expect(seen.length).toBeGreaterThan(10)
      expect(new Set(seen)).toEqual(new Set(['whole', 'gone', 'not crashed']))
      expect(seen.lastIndexOf('whole')).toBeLessThan(seen.indexOf('gone'))
    },
  )

  async function crashedRemove(kind: string, step: number): Promise<'whole' | 'gone' | 'not crashed'> {
    const dir = tempDir()
    const { backups } = await given.withBackups(2).store({ dir })
    const [kept, made] = backups
    adopt(dir)
    const name = kind === 'adopted' ? ADOPTED : made.name
    const before = namesIn(dir)
    const driver = faultyDriver(localDriver(dir))
    driver.crash('any').at(step)
    const crashing = await given.unclaimedStore({ dir, driver })
    await crashing.store.remove([name]).catch(() => {})

    const later = await given.store({ dir })
    const shown = (await later.store.list(IP, { limit: 10 })).backups.map((backup) => backup.name)
    expect((await later.store.settle()).unknown).toEqual([])
    const listed = (await later.store.list(IP, { limit: 10 })).backups.map((backup) => backup.name)
    expect(listed).toEqual(shown)
    expect(listed).toContain(kept.name)
    expect(
      readMetaFile(dir)
        [SOURCE]?.map((entity) => entity.name)
        .sort(),
    ).toEqual(listed)
    const isGone = !listed.includes(name)
    expect(later.names()).toEqual(isGone ? before.filter((file) => !file.startsWith(name)) : before)
    if (!driver.isCrashed) return 'not crashed'
    return isGone ? 'gone' : 'whole'
  }
})

describe('a crash while settling', () => {
  it('is settled by the next settle, at every step', async () => {
    let steps = 0
    for (let isCrashed = true; isCrashed; steps++) isCrashed = await crashedSettle(steps + 1)
    expect(steps).toBeGreaterThan(20)
  })

  async function crashedSettle(step: number): Promise<boolean> {
    const dir = tempDir()
    const { store, backups } = await given.withBackups(3).store({ dir })
    const [deleted, half, kept] = backups
    const rid = half.rid
    const at = (name: string) => join(dir, IP, name)
    renameSync(at(`${deleted.name}.manifest.json`), at(`${deleted.name}.deleted`))
    renameSync(at(`${half.name}.manifest.json`), at(`${half.name}.manifest.json.part-${rid}`))
    renameSync(at(`${half.name}.index.gz`), at(`${half.name}.index.gz.part-${rid}`))
    writeFileSync(at(`.meta.part-${'0'.repeat(42)}`), 'half')
    const driver = faultyDriver(localDriver(dir))
    driver.crash('any').at(step)
    const crashing = await given.unclaimedStore({ dir, driver })
    await crashing.store.settle().catch(() => {})
    await store.settle()
    const whole = (name: string) => [name, `${name}.index.gz`, `${name}.manifest.json`]
    expect(namesIn(dir)).toEqual([...whole(half.name), ...whole(kept.name)])
    expect(
      readMetaFile(dir)
        [SOURCE]?.map(({ name }) => name)
        .sort(),
    ).toEqual([half.name, kept.name])
    return driver.isCrashed
  }
})
