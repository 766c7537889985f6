import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BackupdError } from '../../src/lib/errors.ts'
import { localDriver } from '../../src/objects/drivers/local.ts'
import { manifestSchema } from '../../src/wire/backup.ts'
import { newRid } from '../../src/wire/ids.ts'
import { collect } from '../support/collect.ts'
import { faultyDriver } from '../support/faulty-driver.ts'
import { faultyLocal } from '../support/faulty-local.ts'
import { given } from '../support/given.ts'
import { publishSample, writePendingBackup } from '../support/sample-backups.ts'
import { ARCHIVE, factsOf, INDEX, IP, namesIn, OBJECT, SOURCE, T0 } from '../support/store-samples.ts'
import { tempDir } from '../support/temp-dir.ts'

const NAME = `${ARCHIVE}-${T0}.tar.gz`
const WHOLE = [NAME, `${NAME}.index.gz`, `${NAME}.manifest.json`]

describe('publish', () => {
  it('creates the archive, its index, its manifest and an entry in .meta', async () => {
    const { store, dir, names } = await given.store()
    const { pending, rid } = await writePendingBackup(store)
    expect(names().every((name) => name.endsWith(`.part-${rid}`))).toBe(true)
    expect((await store.list(IP, { limit: 10 })).backups).toEqual([])

    const { manifest, info } = await pending.publish(factsOf(rid))

    expect(names()).toEqual(WHOLE)
    expect(readFileSync(join(dir, IP, NAME))).toEqual(OBJECT)
    const kept = JSON.parse(readFileSync(join(dir, IP, `${NAME}.manifest.json`), 'utf8'))
    expect(manifestSchema.parse(kept)).toEqual(manifest)
    expect(manifest).toMatchObject({
      name: NAME,
      sequence: 1,
      server: IP,
      durability: 'synced',
      writer: '0.1.0',
    })
    expect(manifest.created).toBe('2026-11-23T09:24:06.799Z')
    expect(info).toMatchObject({ server: IP, name: NAME, hasIndex: true, corrupt: null, size: OBJECT.length })
    const { mode, source, volume, name, server, size, created, containers, instanceNo } = manifest
    expect(JSON.parse(readFileSync(join(dir, IP, '.meta'), 'utf8'))).toEqual({
      [SOURCE]: [{ mode, source, volume, name, server, size, created, containers, instanceNo }],
    })
    expect(statSync(join(dir, IP, NAME)).mode & 0o777).toBe(0o600)
  })

  it('has an order of steps in which each crash can be settled', async () => {
    const driver = faultyDriver(localDriver(tempDir()))
    const { store } = await given.store({ driver })
    const { pending, rid } = await writePendingBackup(store)
    const before = driver.calls.length
    await pending.publish(factsOf(rid))
    const steps = driver.calls.slice(before).filter((call) => !/^(open|read|stat|names|lock) /.test(call))
    const created = (name: string) => ['create', 'write', 'sync', 'commit'].map((call) => `${call} ${name}`)
    const intent = `${IP}/${NAME}.manifest.json.part-${rid}`
    expect(steps).toEqual([
      `sync ${IP}/${NAME}`,
      `sync ${IP}/${NAME}.index.gz`,
      ...created(intent),
      `commit ${IP}/${NAME}.index.gz`,
      `commit ${IP}/${NAME}`,
      ...created(`${IP}/${NAME}.manifest.json`),
      `remove ${intent}`,
      `replace ${IP}/.meta`,
    ])
  })

  it('removes an index that the manifest does not name', async () => {
    const { store, names } = await given.store()
    const manifest = await publishSample(store, { index: null })
    expect(names()).toEqual([manifest.name, `${manifest.name}.manifest.json`])
  })

  it('refuses an archive with a wrong size', async () => {
    const { store, names } = await given.store()
    const { pending, rid } = await writePendingBackup(store)
    await expect(pending.publish(factsOf(rid, { size: OBJECT.length + 1 }))).rejects.toThrow(
      `Cannot publish "${NAME}": "${IP}/${NAME}" has 23 bytes, expected 24 (step "sync the archive")`,
    )
    await pending.abandon()
    expect(names()).toEqual([])
  })

  it('abandons without a trace, and silently the second time or after publish', async () => {
    const { store, names } = await given.store()
    const { pending } = await writePendingBackup(store)
    await pending.abandon()
    await pending.abandon()
    expect(names()).toEqual([])
    const { pending: second, rid } = await writePendingBackup(store)
    await second.publish(factsOf(rid))
    await second.abandon()
    expect(names()).toEqual(WHOLE)
  })

  it('leaves an archive of somebody else alone that took the name meanwhile', async () => {
    const { store, dir, names } = await given.store()
    const { pending, rid } = await writePendingBackup(store)
    writeFileSync(join(dir, IP, NAME), 'another archive')
    await expect(pending.publish(factsOf(rid))).rejects.toMatchObject({ code: 'CONFLICT' })
    await pending.abandon()
    expect(names()).toEqual([NAME])
    expect(readFileSync(join(dir, IP, NAME), 'utf8')).toBe('another archive')
  })

  it('removes an archive whose publish failed although it took effect', async () => {
    const driver = faultyLocal(tempDir())
    const { store } = await given.store({ driver })
    const { pending, rid } = await writePendingBackup(store)
    driver.fail('committed').at(3).with(new BackupdError('STORE_UNAVAILABLE', 'the answer was lost'))
    await expect(pending.publish(factsOf(rid))).rejects.toThrow(
      'the answer was lost (step "publish the archive")',
    )
    expect(await driver.stat(`${IP}/${NAME}`)).toBeDefined()
    await pending.abandon()
    expect((await collect(driver.names(IP))).filter(({ name }) => name.startsWith(ARCHIVE))).toEqual([])
  })

  it.each(['commit', 'committed'] as const)(
    'abandons everything after a failure at the %s of its manifest, and never shows a part of it',
    async (call) => {
      const driver = faultyLocal(tempDir())
      const { store } = await given.store({ driver })
      const { pending, rid } = await writePendingBackup(store)
      driver.fail(call).at(4)
      await expect(pending.publish(factsOf(rid))).rejects.toThrow('step "publish the manifest"')
      const before = driver.calls.length
      await pending.abandon()
      const steps = driver.calls.slice(before).filter((step) => !step.startsWith('abort'))
      const pieces = [`${NAME}.manifest.json`, NAME, `${NAME}.index.gz`]
      expect(steps).toEqual([
        ...pieces.flatMap((name) => [`remove ${IP}/${name}`, `syncFolder ${IP}`]),
        `remove ${IP}/${NAME}.manifest.json.part-${rid}`,
      ])
      expect((await collect(driver.names(IP))).filter(({ name }) => name.startsWith(ARCHIVE))).toEqual([])
      expect((await store.list(IP, { limit: 10 })).backups).toEqual([])
    },
  )

  it('succeeds even if its intent cannot be removed, and says so', async () => {
    const dir = tempDir()
    const driver = faultyLocal(dir)
    const { store, warnings, names } = await given.store({ dir, driver })
    driver.fail('remove')
    const { rid } = await publishSample(store)
    expect(warnings).toEqual([expect.stringContaining('is published, but its intent could not be removed')])
    const intent = `${NAME}.manifest.json.part-${rid}`
    expect(names()).toEqual([...WHOLE, intent].sort())
    expect((await store.list(IP, { limit: 10 })).backups).toMatchObject([{ name: NAME, corrupt: null }])
    expect(await store.settle()).toEqual({ rolledForward: [], swept: [intent], unknown: [] })
    expect(names()).toEqual(WHOLE)
  })

  it('succeeds even if .meta cannot be written, and says so', async () => {
    const dir = tempDir()
    const driver = faultyLocal(dir)
    const { store, warnings, names } = await given.store({ dir, driver })
    driver.fail('replace')
    await publishSample(store)
    expect(names()).toEqual(WHOLE)
    expect(warnings).toEqual([expect.stringContaining('is published, but not in .meta')])
    await store.settle()
    expect(JSON.parse(readFileSync(join(dir, IP, '.meta'), 'utf8'))[SOURCE]).toMatchObject([{ name: NAME }])
  })
})

describe('a crash while publishing', () => {
  it('leaves the old state or the new one after settle, at every step', async () => {
    const seen = new Set<string>()
    let step = 1
    for (; ; step++) {
      const outcome = await crashedPublish(step)
      seen.add(outcome)
      if (outcome === 'not crashed') break
    }
    expect(step).toBeGreaterThan(20)
    expect(seen).toEqual(new Set(['old', 'new', 'not crashed']))
  })

  async function crashedPublish(step: number): Promise<'old' | 'new' | 'not crashed'> {
    const dir = tempDir()
    const earlier = await given.withBackups(1).store({ dir })
    const [before] = earlier.backups
    const old = namesIn(dir)
    const driver = faultyDriver(localDriver(dir))
    const { store } = await given.unclaimedStore({ dir, driver })
    const { pending, rid } = await writePendingBackup(store)
    driver.crash('any').at(step)
    await pending.publish(factsOf(rid)).catch(() => {})
    if (!driver.isCrashed) return 'not crashed'

    const reader = await given.unclaimedStore({ dir })
    const listedBefore = await reader.store.list(IP, { limit: 10 })
    const later = await given.store({ dir })
    const settled = await later.store.settle()
    expect(settled.unknown).toEqual([])
    const { backups } = await later.store.list(IP, { limit: 10 })
    const meta = JSON.parse(readFileSync(join(dir, IP, '.meta'), 'utf8'))
    expect(meta[SOURCE].map((entity: { name: string }) => entity.name)).toEqual(
      backups.map(({ name }) => name),
    )
    expect(await later.store.settle()).toEqual({ rolledForward: [], swept: [], unknown: [] })
    if (backups.length === 1) {
      expect(later.names()).toEqual(old)
      return 'old'
    }
    const files = WHOLE.map((name) => name.replace(`${T0}`, `${T0 + 1}`))
    expect(later.names()).toEqual([...old, ...files].sort())
    expect(backups).toMatchObject([
      { name: before.name },
      { name: pending.name, sequence: 2, rid, corrupt: null },
    ])
    // A reader before settle saw it whole or not at all.
    expect(listedBefore.backups.filter(({ corrupt, sha256 }) => corrupt !== null || sha256 === null)).toEqual(
      [],
    )
    return 'new'
  }

  it('leaves a completed backup readable, index included', async () => {
    const { dir, rid, name } = await crashedBeforeManifest()
    const { store } = await given.store({ dir })
    expect(await store.settle()).toEqual({ rolledForward: [name], swept: [], unknown: [] })
    const found = await store.findArchive(IP, name)
    expect(found?.info).toMatchObject({ rid, state: 'success', corrupt: null })
    await using index = (await found?.openIndex()) ?? undefined
    expect(await index?.read(0, 100)).toEqual(INDEX)
  })

  it('marks an archive corrupt that lost bytes in the crash', async () => {
    const { dir, name } = await crashedBeforeManifest()
    writeFileSync(join(dir, IP, name), OBJECT.subarray(0, 5))
    const { store } = await given.store({ dir })
    expect((await store.settle()).rolledForward).toEqual([name])
    const { backups } = await store.list(IP, { limit: 10 })
    expect(backups).toMatchObject([{ name, corrupt: 'the archive was 5 bytes after a crash, expected 23' }])
  })

  async function crashedBeforeManifest() {
    const dir = tempDir()
    const driver = faultyLocal(dir)
    const { store } = await given.store({ dir, driver })
    const { pending, rid } = await writePendingBackup(store)
    driver.crash('commit').at(4)
    await expect(pending.publish(factsOf(rid))).rejects.toThrow('Crashed as ordered')
    return { dir, rid, name: pending.name }
  }
})

describe('begin', () => {
  it('gives two backups of one second two names and two sequence numbers', async () => {
    const { store } = await given.store()
    const first = await writePendingBackup(store)
    const second = await writePendingBackup(store)
    expect([first.pending.name, second.pending.name]).toEqual([NAME, `${ARCHIVE}-${T0 + 1}.tar.gz`])
    await Promise.all([first.pending.abandon(), second.pending.abandon()])
    const names = (await Promise.all([publishSample(store), publishSample(store), publishSample(store)])).map(
      ({ name }) => name,
    )
    expect(new Set(names).size).toBe(3)
  })

  it('continues the sequence if the clock was set back', async () => {
    const { store, clock } = await given.withBackups(1).store()
    clock.set(T0 - 86_400)
    const later = await publishSample(store)
    expect(later).toMatchObject({ name: `${ARCHIVE}-${T0 + 1}.tar.gz`, sequence: 2 })
    expect(later.created).toBe('2026-11-22T09:24:06.799Z')
    expect((await store.findRuns({ namespace: IP, source: SOURCE, app: 'hello' })).newest).toEqual(later)
  })

  it('uses no name that is pending or being deleted', async () => {
    const { store, dir } = await given.store()
    writeFileSync(join(dir, IP, `${ARCHIVE}-${T0 + 5}.tar.gz.deleted`), '')
    writeFileSync(join(dir, IP, `${ARCHIVE}-${T0 + 7}.tar.gz.part-${newRid(0).padStart(43, '1')}`), '')
    expect((await writePendingBackup(store)).pending.name).toBe(`${ARCHIVE}-${T0 + 8}.tar.gz`)
  })

  it('identifies a volume by its source, whatever the names of its archives were', async () => {
    const { store } = await given.store()
    await publishSample(store, { archive: 'renamed-since' })
    await publishSample(store, { archive: 'another', source: '/data/other' })
    expect((await publishSample(store)).sequence).toBe(2)
    expect((await publishSample(store, { archive: 'another', source: '/data/other' })).sequence).toBe(2)
  })

  it.each(['', '../up', 'a/b', '.hidden', 'nul\0', 'x'.repeat(171)])(
    'refuses the archive name %j',
    async (archive) => {
      const { store } = await given.store()
      const begun = store.begin({ archive, rid: newRid(T0 * 1000), source: SOURCE })
      await expect(begun).rejects.toMatchObject({ code: 'BAD_INPUT' })
    },
  )

  it('accepts the longest archive name', async () => {
    const { store } = await given.store()
    const archive = 'x'.repeat(170)
    expect((await publishSample(store, { archive })).name).toBe(`${archive}-${T0}.tar.gz`)
  })

  it('refuses an invalid run id, because its files could not be recognized', async () => {
    const { store } = await given.store()
    const begun = store.begin({ archive: ARCHIVE, rid: 'x', source: SOURCE })
    await expect(begun).rejects.toMatchObject({ code: 'BAD_INPUT' })
  })

  it('leaves nothing if the second file cannot be created', async () => {
    const dir = tempDir()
    const driver = faultyLocal(dir)
    const { store, names } = await given.store({ dir, driver })
    driver.fail('create').at(2)
    await expect(writePendingBackup(store)).rejects.toThrow('Failed as ordered')
    expect(names()).toEqual([])
  })
})
