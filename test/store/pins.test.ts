import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BackupdError } from '../../src/lib/errors.ts'
import { localDriver } from '../../src/objects/drivers/local.ts'
import { addHold, readHolds } from '../../src/store/hold-note.ts'
import { refuseHeldByNow } from '../../src/store/kinds/series/refuse-held.ts'
import { readSeries } from '../../src/store/kinds/series/series.ts'
import { listPins, type NewPin } from '../../src/wire/pin.ts'
import { faultyLocal } from '../support/faulty-local.ts'
import { given } from '../support/given.ts'
import { publishSample } from '../support/sample-backups.ts'
import { ARCHIVE, IP, OBJECT, SOURCE, T0 } from '../support/store-samples.ts'
import { tempDir } from '../support/temp-dir.ts'

const PIN: NewPin = { by: 'ann', reason: 'case 4711', until: null }
const DAY = 86_400
/** Each call notes the locks that it holds in a folder of its own. */
const reader = {
  get dataDir() {
    return tempDir()
  },
  signal: new AbortController().signal,
  warn: () => {},
}
const isRefused = { code: 'CONFLICT', message: expect.stringContaining('ann pinned it at') }

/** An archive and a mirror of the legacy system, without manifests. */
function adoptLegacy(dir: string) {
  const name = `${ARCHIVE}-${T0 - 100}.tar.gz`
  const mirror = 'hello-hello.web.web-1-data-mirror'
  const rest = { volume: '/data/db', server: IP, size: 23, containers: null, instanceNo: 1 }
  const entry = { ...rest, source: SOURCE, created: '2026-11-23T09:22:26Z' }
  writeFileSync(join(dir, IP, name), OBJECT)
  mkdirSync(join(dir, IP, mirror))
  writeFileSync(join(dir, IP, mirror, 'file'), 'content')
  const meta = {
    [SOURCE]: [{ ...entry, mode: 'full', name }],
    [`${SOURCE}@increment`]: [{ ...entry, mode: 'increment', name: mirror }],
  }
  writeFileSync(join(dir, IP, '.meta'), JSON.stringify(meta))
  return { name, mirror }
}

async function pinnedArchive(pin = PIN) {
  const world = await given.withBackups(2).store()
  const [{ name }, other] = world.backups
  const text = await world.store.pin({ name }, pin, reader)
  const remove = () => world.store.delete([other.name, name], reader)
  const holds = async () => (await world.store.find(IP, name))?.info.holds
  return { ...world, name, other, text, remove, holds, file: join(world.dir, IP, `${name}.manifest.json`) }
}

describe('a pinned archive', () => {
  test('cannot be deleted, nor can those that are named with it, until it is released', async () => {
    const { store, name, other, text, remove, holds } = await pinnedArchive()
    expect(await holds()).toEqual([text])
    await expect(remove()).rejects.toMatchObject({
      ...isRefused,
      message: expect.stringMatching(
        /^Cannot delete ".*": ann pinned it at .*Z until somebody releases it: case 4711\. Release it first: "backupd pin list" has/,
      ),
      facts: { name, pins: [{ by: 'ann', reason: 'case 4711', until: null }] },
    })
    expect(await store.find(IP, other.name)).toBeDefined()
    expect(await store.releasePin({ name }, undefined, reader)).toBe(text)
    expect((await remove()).sort()).toEqual([name, other.name].sort())
  })

  test('may be deleted when its time has passed by the trusted clock', async () => {
    const until = new Date((T0 + DAY) * 1000).toISOString()
    const { clock, remove } = await pinnedArchive({ ...PIN, until })
    clock.set(T0 + DAY - 1)
    await expect(remove()).rejects.toMatchObject(isRefused)
    clock.set(T0 + DAY)
    expect(await remove()).toHaveLength(2)
  })

  test('needs the id if it has several pins, and has at most five', async () => {
    const { store, name, text, holds } = await pinnedArchive()
    const more: string[] = []
    for (let n = 2; n <= 5; n++) more.push(await store.pin({ name }, { ...PIN, reason: `case ${n}` }, reader))
    await expect(store.pin({ name }, PIN, reader)).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(store.releasePin({ name }, undefined, reader)).rejects.toThrow('it has 5 pins')
    await expect(store.releasePin({ name }, 'none', reader)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const [second = ''] = more
    expect(await store.releasePin({ name }, listPins([second])[0]?.id, reader)).toBe(second)
    expect(await holds()).toEqual([text, ...more.slice(1)])
  })

  test('stays as it is while its manifest cannot be read', async () => {
    const { store, name, file, remove, other } = await pinnedArchive()
    const whole = readFileSync(file)
    writeFileSync(file, whole.subarray(0, whole.length / 2))
    await expect(remove()).rejects.toThrow(/so somebody may have pinned it.*or remove ".*manifest.json"/)
    await expect(store.releasePin({ name }, undefined, reader)).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(store.pin({ name }, PIN, reader)).rejects.toThrow('can be neither pinned nor released')
    expect(await store.find(IP, other.name)).toBeDefined()
    rmSync(file)
    expect((await remove()).sort()).toEqual([name, other.name].sort())
  })

  test('with a damaged pin is held for good, and can be released', async () => {
    const { store, file, name, text, clock, remove } = await pinnedArchive()
    const { checksum: _changed, ...manifest } = JSON.parse(readFileSync(file, 'utf8'))
    writeFileSync(file, JSON.stringify({ ...manifest, holds: [text.slice(0, 30)] }))
    clock.set(T0 + 10_000 * DAY)
    await expect(remove()).rejects.toThrow('it is held (pin ')
    expect(await store.releasePin({ name }, undefined, reader)).toBe(text.slice(0, 30))
    expect(await remove()).toHaveLength(2)
  })
})

test('a pin can be set and released on a full store, which gives its reserve for it', async () => {
  const dir = tempDir()
  const driver = faultyLocal(dir)
  const { store } = await given.store({ dir, driver })
  await store.preparePassword()
  await using _repository = await store.ownRepository()
  const { name } = await publishSample(store)
  const before = async (act: () => Promise<unknown>) => {
    await store.keepReserve()
    const calls = driver.calls.length
    driver.fail('replace').with(new BackupdError('STORE_FULL', 'no room'))
    await act()
    return driver.calls.slice(calls).filter((call) => call === `remove ${IP}/.reserve`)
  }
  expect(await before(() => store.pin({ name }, PIN, reader))).toHaveLength(1)
  expect((await store.find(IP, name))?.info.holds).toHaveLength(1)
  expect(await before(() => store.releasePin({ name }, undefined, reader))).toHaveLength(1)
  expect((await store.find(IP, name))?.info.holds).toEqual([])
})

test('what does not exist, or is deleted, cannot be pinned', async () => {
  const { store, dir, backups } = await given.withBackups(1).store()
  const [{ name }] = backups
  const isMissing = { code: 'NOT_FOUND' }
  await expect(store.pin({ name: 'none-1700000000.tar.gz' }, PIN, reader)).rejects.toMatchObject(isMissing)
  await expect(store.pin({ name: 'no-series' }, PIN, reader)).rejects.toMatchObject(isMissing)
  await expect(store.pin({ name, snapshot: 'abcd' }, PIN, reader)).rejects.toMatchObject({
    code: 'BAD_INPUT',
  })
  for (const bad of ['../x', '.held', 'repo', ''])
    await expect(store.pin({ name: bad }, PIN, reader)).rejects.toMatchObject({ code: 'BAD_INPUT' })
  const passed = { ...PIN, until: new Date(T0 * 1000).toISOString() }
  await expect(store.pin({ name }, passed, reader)).rejects.toThrow(
    'has passed: the clock of this server says',
  )
  writeFileSync(join(dir, IP, `${name}.deleted`), '')
  await expect(store.pin({ name }, PIN, reader)).rejects.toMatchObject(isMissing)
})

describe('a pinned snapshot', () => {
  async function pinnedSnapshot() {
    const world = await given.withSnapshots(2).store()
    const [id, other] = world.snapshots
    const thing = { name: ARCHIVE, snapshot: id.slice(0, 8) }
    const text = await world.store.pin(thing, PIN, reader)
    const removeOne = (snapshot: string) =>
      world.store.snapshots.delete({ name: ARCHIVE, snapshots: [snapshot] }, reader)
    return { ...world, id, other, thing, text, removeOne, note: join(world.dir, IP, '.held') }
  }

  test('keeps its series, and does not keep other snapshots', async () => {
    const { store, id, other, thing, text, removeOne } = await pinnedSnapshot()
    await expect(store.delete([ARCHIVE], reader)).rejects.toMatchObject(isRefused)
    await expect(removeOne(id)).rejects.toMatchObject({
      ...isRefused,
      message: expect.stringContaining(`the snapshot ${id.slice(0, 8)} of "${ARCHIVE}"`),
      facts: { snapshot: id },
    })
    expect((await store.find(IP, ARCHIVE))?.info.holds).toEqual([text])
    expect(await removeOne(other)).toEqual([other])
    expect(await store.releasePin(thing, undefined, reader)).toBe(text)
    expect(await store.delete([ARCHIVE], reader)).toEqual([ARCHIVE])
  })

  test('is named, because the newest one would be a guess', async () => {
    const { store, other } = await pinnedSnapshot()
    await expect(store.pin({ name: ARCHIVE }, PIN, reader)).rejects.toThrow(`such as ${other}`)
    const missing = store.pin({ name: ARCHIVE, snapshot: 'abcdef' }, PIN, reader)
    await expect(missing).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('keeps all of them while the note is half written, which nobody overwrites then', async () => {
    const { store, other, thing, removeOne, note } = await pinnedSnapshot()
    const half = readFileSync(note).subarray(0, 20)
    writeFileSync(note, half)
    await expect(removeOne(other)).rejects.toThrow('Bring the file back')
    await expect(store.pin(thing, PIN, reader)).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(store.releasePin(thing, undefined, reader)).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(readFileSync(note)).toEqual(half)
  })

  test('refuses a delete that waited for the lock while it was pinned', async () => {
    const { store, other, removeOne, dir } = await pinnedSnapshot()
    await using repository = await store.ownRepository()
    const [series] = await readSeries(repository, IP)
    const wanted = { name: ARCHIVE, snapshots: series?.snapshots.filter(({ id }) => id === other) ?? [] }
    const stillDue = refuseHeldByNow({ store, ip: IP }, [wanted])
    expect(await stillDue()).toEqual([other])
    await store.pin({ name: ARCHIVE, snapshot: other }, PIN, reader)
    await expect(stillDue()).rejects.toMatchObject(isRefused)
    await expect(removeOne(other)).rejects.toMatchObject(isRefused)
    expect((await readHolds(localDriver(dir), IP))(other)).toHaveLength(1)
  })

  test('stays pinned while its file cannot be read, and when an unusual backup is acknowledged', async () => {
    const { store, id, text, other, dir } = await pinnedSnapshot()
    await addHold({ store, ip: IP }, other, 'unusual 2026-12-01T05:00:00.000Z rid: many files are gone')
    const file = join(dir, IP, 'repo', 'snapshots', id)
    const whole = readFileSync(file)
    writeFileSync(file, 'damaged')
    await store.acknowledgeUnusual(ARCHIVE)
    writeFileSync(file, whole)
    const findHolds = await readHolds(localDriver(dir), IP)
    expect([findHolds(id), findHolds(other)]).toEqual([[text], []])
  })
})

test('an increment tells of 20 pins at most, and of every unusual run', async () => {
  const { store, snapshots } = await given.withSnapshots(5).store()
  for (const snapshot of snapshots)
    for (let n = 1; n <= 5; n++)
      await store.pin({ name: ARCHIVE, snapshot }, { ...PIN, reason: `${snapshot} ${n}` }, reader)
  await addHold({ store, ip: IP }, snapshots[4], 'unusual 2026-12-01T05:00:00.000Z rid: many files are gone')
  const holds = (await store.find(IP, ARCHIVE))?.info.holds ?? []
  expect([holds[0]?.slice(0, 7), listPins(holds).length]).toEqual(['unusual', 20])
  const { snapshots: listed } = await store.snapshots.list({
    namespace: IP,
    name: ARCHIVE,
    after: '',
    limit: 9,
  })
  expect(listed.map(({ holds: own = [] }) => listPins(own).length)).toEqual([5, 5, 5, 5, 5])
})

describe('backups of the legacy system, which have no manifest,', () => {
  test('are pinned in the note, an archive and a mirror', async () => {
    const { store, dir } = await given.store()
    const { name, mirror } = adoptLegacy(dir)
    for (const one of [name, mirror]) {
      const text = await store.pin({ name: one }, PIN, reader)
      const listed = (await store.list(IP, { limit: 9 })).backups.find((backup) => backup.name === one)
      expect(listed?.holds).toEqual([text])
      await expect(store.delete([one], reader)).rejects.toMatchObject(isRefused)
    }
    await expect(store.delete([`${mirror}/file`], reader)).rejects.toMatchObject(isRefused)
    await store.acknowledgeUnusual('no-series').catch(() => {})
    for (const one of [name, mirror]) await store.releasePin({ name: one }, undefined, reader)
    expect(await store.delete([`${mirror}/file`], reader)).toEqual([`${mirror}/file`])
    expect((await store.delete([name, mirror], reader)).sort()).toEqual([name, mirror].sort())
  })

  test('are all held while the note cannot be read', async () => {
    const { store, dir } = await given.store()
    const { name, mirror } = adoptLegacy(dir)
    writeFileSync(join(dir, IP, '.held'), '{')
    for (const one of [name, mirror])
      await expect(store.delete([one], reader)).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  test('stay pinned when an unusual backup of a series is acknowledged', async () => {
    const { store, dir, snapshots } = await given.withSnapshots(1).store()
    const { name } = adoptLegacy(dir)
    const text = await store.pin({ name }, PIN, reader)
    await addHold({ store, ip: IP }, snapshots[0], 'unusual 2026-12-01T05:00:00.000Z rid: many are gone')
    await store.acknowledgeUnusual(ARCHIVE)
    expect((await store.find(IP, name))?.info.holds).toEqual([text])
  })
})
