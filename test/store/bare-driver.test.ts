import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Driver } from '../../src/objects/driver.ts'
import { copyObject } from '../../src/objects/small-objects.ts'
import { withLocalLocks } from '../../src/objects/wrap/local-locks.ts'
import { lockRepository } from '../../src/restic/repository/lock.ts'
import { makeSnapshot } from '../../src/restic/write/make-snapshot.ts'
import { deleteStoredBackups } from '../../src/store/delete-backups.ts'
import { makeTags } from '../../src/store/kinds/series/series.ts'
import { collect } from '../support/collect.ts'
import { secondsClock } from '../support/hand-clock.ts'
import { memoryDriver, newMemory } from '../support/memory-driver.ts'
import { publishSample, writePendingBackup } from '../support/sample-backups.ts'
import { sampleFacts } from '../support/snapshot-samples.ts'
import { ARCHIVE, factsOf, IP, OBJECT, SOURCE } from '../support/store-samples.ts'
import { tempDir } from '../support/temp-dir.ts'
import { createWholeStore, type WholeStore } from '../support/whole-store.ts'

const { signal } = new AbortController()

/** A store that knows no folders, no locks, no limit, and nothing of renames. */
async function bareWorld() {
  const [dataDir, memory, warnings] = [tempDir(), newMemory(), [] as string[]]
  const warn = (message: string) => void warnings.push(message)
  const openDriver = () => withLocalLocks(memoryDriver(memory), { lockDir: dataDir, store: 'memory' })
  const openOn = (driver: Driver): WholeStore =>
    createWholeStore({
      driver,
      clock: secondsClock(),
      warn,
      identity: { ip: IP, daemonId: 'daemon-a', version: '0.1.0' },
    })
  const store = openOn(openDriver())
  await store.claim(false)
  await store.preparePassword()
  const own = ['.lock', '.meta', '.owner', 'repo']
  const names = async () =>
    (await collect(openDriver().names(IP))).map(({ name }) => name).filter((name) => !own.includes(name))
  /** Another process over the same objects. */
  const restart = () => openOn(openDriver())
  const reader = { dataDir, signal, warn }
  return { store, restart, openOn, openDriver, memory, names, reader, dataDir, warnings }
}

async function namesOf(store: WholeStore): Promise<string[]> {
  return (await store.list(IP, { limit: 10 })).backups.map(({ name }) => name)
}

async function backUpIncrement(store: WholeStore, dataDir: string, volume: string): Promise<void> {
  await using repository = await store.ownRepository()
  await using lock = await lockRepository(repository, { exclusive: false, dataDir, waitMs: 0, signal })
  await makeSnapshot({
    repository,
    lock,
    volume,
    parent: null,
    hostname: IP,
    time: new Date(),
    signal,
    describe: () => ({ tags: makeTags(ARCHIVE, 'rid-1', false), facts: sampleFacts() }),
    onProgress: () => {},
    onWarning: ({ message }) => {
      throw new Error(message)
    },
  })
}

describe('a store on a driver without any optional ability', () => {
  test('publishes, lists, reads and deletes full backups', async () => {
    const { store, restart, names } = await bareWorld()
    const [first, second] = [await publishSample(store), await publishSample(store)]
    expect(await namesOf(restart())).toEqual([first.name, second.name])
    const found = await restart().findArchive(IP, second.name)
    expect(found?.info).toMatchObject({ corrupt: null, sequence: 2, durability: 'acknowledged' })
    await using object = await found?.openObject()
    expect(await object?.read(0, 100)).toEqual(OBJECT)
    await using index = (await found?.openIndex()) ?? undefined
    expect(index?.size).toBeGreaterThan(0)
    expect(await restart().remove([first.name])).toEqual([first.name])
    expect(await namesOf(store)).toEqual([second.name])
    expect((await names()).every((name) => name.startsWith(second.name))).toBe(true)
    expect(await store.settle()).toEqual({ rolledForward: [], swept: [], unknown: [] })
  })

  test('makes, restores, verifies and deletes increments', async () => {
    const { store, restart, reader, memory, warnings } = await bareWorld()
    const [volume, target] = [join(tempDir(), 'db'), join(tempDir(), 'restored')]
    for (const folder of [volume, target]) mkdirSync(folder)
    writeFileSync(join(volume, 'file'), 'content')
    await backUpIncrement(store, reader.dataDir, volume)
    await store.keepReserve()
    expect(await namesOf(restart())).toEqual([ARCHIVE])

    {
      await using backup = await restart().find(IP, ARCHIVE)
      const verdict = await backup?.verify({ ...reader, rid: 'verify-1', onProgress: () => {} })
      expect(verdict).toMatchObject({ outcome: 'verified' })
      await using opened = await backup?.open(null, reader)
      await opened?.restore({ target, signal, onProgress: () => {}, onWarning: () => {} }, null)
    }
    expect(readdirSync(target)).toEqual(['file'])
    expect(readFileSync(join(target, 'file'), 'utf8')).toBe('content')

    expect(await deleteStoredBackups({ store: restart(), ip: IP }, [ARCHIVE], reader)).toEqual([ARCHIVE])
    expect(await namesOf(store)).toEqual([])
    expect([...memory.objects.keys()].filter((name) => name.includes('/snapshots/'))).toEqual([])
    expect(warnings).toEqual([])
  })

  test('sweeps what a killed run had uploaded', async () => {
    const { store, restart, memory } = await bareWorld()
    const { pending, rid } = await writePendingBackup(store)
    expect(memory.uploads.size).toBe(2)
    const swept = [`${pending.name}.part-${rid}`, `${pending.name}.index.gz.part-${rid}`]
    expect((await restart().settle()).swept.sort()).toEqual(swept.sort())
    expect(memory.uploads.size).toBe(0)
  })

  test.each([
    ['intent', (name: string) => name.endsWith('.index.gz'), []],
    ['index', (name: string) => name.endsWith('.tar.gz'), []],
    ['archive', (name: string) => name.endsWith('.manifest.json'), ['whole']],
  ])('settles a backup that was killed after its %s', async (_what, isLast, outcome) => {
    const { openOn, openDriver, restart, names, warnings } = await bareWorld()
    const driver = openDriver()
    const create = driver.create.bind(driver)
    driver.create = async (name, options) => {
      const writer = await create(name, options)
      return isLast(name) ? { ...writer, commit: () => Promise.reject(new Error('killed')) } : writer
    }
    const { pending, rid } = await writePendingBackup(openOn(driver))
    await expect(pending.publish(factsOf(rid))).rejects.toThrow('killed')

    const later = restart()
    expect(await namesOf(later)).toEqual([])
    expect(await later.find(IP, pending.name)).toBeUndefined()
    const { rolledForward, unknown } = await later.settle()
    expect([rolledForward, unknown]).toEqual([outcome.map(() => pending.name), []])
    expect(await namesOf(later)).toEqual(rolledForward)
    expect(await names()).toHaveLength(3 * outcome.length)
    expect(await later.settle()).toEqual({ rolledForward: [], swept: [], unknown: [] })
    expect(warnings).toEqual([])
  })

  test('says of a mirror that it cannot hold one, and sets a broken .meta aside', async () => {
    const { store, memory, openDriver } = await bareWorld()
    const { name } = await publishSample(store)
    const meta = memory.objects.get(`${IP}/.meta`)?.content.toString() ?? ''
    const mirror = { ...JSON.parse(meta)[SOURCE][0], mode: 'increment', name: 'mirror' }
    const driver = openDriver()
    await driver.replace(`${IP}/.meta`, Buffer.from(JSON.stringify({ [SOURCE]: [mirror] })))
    await copyObject(driver, `${IP}/${name}`, `${IP}/mirror/file`)
    const found = await store.findMirror(IP, 'mirror')
    await expect(found?.mirror.withFolder(async () => {})).rejects.toThrow('holds no mirrors')
    await expect(store.remove(['mirror'])).rejects.toThrow('holds no mirrors')
    await driver.replace(`${IP}/.meta`, Buffer.from('broken'))
    await store.settle()
    const aside = [...memory.objects].find(([key]) => key.includes('.meta.broken-'))?.[1]
    expect(aside?.content.toString()).toBe('broken')
    expect(JSON.parse(memory.objects.get(`${IP}/.meta`)?.content.toString() ?? '')[SOURCE]).toMatchObject([
      { name },
    ])
  })
})
