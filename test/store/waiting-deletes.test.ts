import { expect, test } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { HOUR_MS } from '../../src/lib/time-units.ts'
import { openDriver } from '../../src/objects/drivers/open-driver.ts'
import type { S3Settings } from '../../src/wire/store-settings.ts'
import { collect } from '../support/collect.ts'
import { describeSwift } from '../support/describe-swift.ts'
import { startS3Model } from '../support/s3-model.ts'
import { publishSample } from '../support/sample-backups.ts'
import { IP } from '../support/store-samples.ts'
import { tempDir } from '../support/temp-dir.ts'
import { createWholeStore } from '../support/whole-store.ts'

/** A daemon of a machine of its own, some time later. */
function openStore(settings: S3Settings, daemonId: string, { laterMs = 0 } = {}) {
  const clock = { ...systemClock, now: () => Date.now() + laterMs }
  const driver = openDriver(settings, { dataDir: tempDir(), clock })
  const warnings: string[] = []
  const identity = { ip: IP, daemonId, version: '0.1.0' }
  const store = createWholeStore({ driver, identity, clock, warn: (text) => void warnings.push(text) })
  const listed = async () => (await store.list(IP, { limit: 10 })).backups.map(({ name }) => name)
  const pieces = async (name: string) =>
    (await collect(driver.names(IP))).map((entry) => entry.name).filter((each) => each.startsWith(name))
  const noRules = async () => {
    const nothing = () => {}
    const run = { announce: async () => {}, progress: nothing, log: nothing, reportKept: nothing }
    const { signal } = new AbortController()
    const settings = { ip: IP, dataDir: tempDir() }
    const problems: string[] = []
    const reportProblem = (text: string) => void problems.push(text)
    await store.expire([], { ...run, settings, signal, lockWaitMs: 0, now: clock.now, reportProblem })
    expect(problems).toEqual([])
  }
  return { store, warnings, listed, pieces, expire: noRules }
}

describeSwift('a delete in a real Swift, which keeps no conditional writes', (place) => {
  test('hides a backup at once, and removes it an hour later', async () => {
    const settings = await place.swift.newStore()
    const now = openStore(settings, 'daemon-a')
    await now.store.claim(false)
    const { name } = await publishSample(now.store)
    const all = await now.pieces(name)
    expect(await now.store.remove([name])).toEqual([name])
    expect(await now.listed()).toEqual([])
    await now.expire()
    await now.store.settle()
    expect((await now.pieces(name)).sort()).toEqual([...all, `${name}.deleted`].sort())
    const later = openStore(settings, 'daemon-a', { laterMs: HOUR_MS + 5000 })
    await later.expire()
    expect(await later.pieces(name)).toEqual([])
    expect(await later.listed()).toEqual([])
  })

  test('is taken back if the namespace has another owner by then', async () => {
    const settings = await place.swift.newStore()
    const old = openStore(settings, 'daemon-a')
    await old.store.claim(false)
    const { name } = await publishSample(old.store)
    await old.store.remove([name])
    const taking = openStore(settings, 'daemon-b', { laterMs: 2 * HOUR_MS })
    await taking.store.claim(true)
    const stale = openStore(settings, 'daemon-a', { laterMs: 2 * HOUR_MS })
    await expect(stale.store.finishDeletes()).rejects.toMatchObject({ code: 'CONFLICT' })
    await taking.expire()
    expect(taking.warnings).toEqual([
      expect.stringMatching(/is a backup again: the daemon daemon-a had begun/),
    ])
    expect(await taking.listed()).toEqual([name])
    expect((await taking.store.findArchive(IP, name))?.info).toMatchObject({ name, corrupt: null })
  })
})

test('a delete in a store with conditional writes removes at once', async () => {
  const { settings } = await startS3Model()
  const { store, pieces } = openStore(settings, 'daemon-a')
  await store.claim(false)
  const { name } = await publishSample(store)
  await store.remove([name])
  expect(await pieces(name)).toEqual([])
})

/** A backup that a daemon began to delete, in a store that keeps no conditional writes, before another one took over. */
async function startForeignDelete() {
  const { settings, objects } = await startS3Model({ ignoresConditions: true })
  const old = openStore(settings, 'daemon-a')
  await old.store.claim(false)
  const { name } = await publishSample(old.store)
  await old.store.remove([name])
  const taking = openStore(settings, 'daemon-b', { laterMs: 2 * HOUR_MS })
  await taking.store.claim(true)
  const lose = (ending: string) => {
    for (const key of objects.keys()) if (key.endsWith(`${name}${ending}`)) objects.delete(key)
  }
  return { name, taking, lose }
}

test('the delete of another daemon is taken back while the backup is whole', async () => {
  const { name, taking } = await startForeignDelete()
  await taking.expire()
  expect(taking.warnings).toEqual([expect.stringContaining('is a backup again')])
  expect(await taking.listed()).toEqual([name])
})

test.each([
  ['archive', ''],
  ['manifest', '.manifest.json'],
])('the delete of another daemon is finished if the %s is gone already', async (_piece, ending) => {
  const { name, taking, lose } = await startForeignDelete()
  expect((await taking.pieces(name)).includes(`${name}${ending}`)).toBe(true)
  lose(ending)
  await taking.expire()
  expect(taking.warnings).toEqual([])
  expect(await taking.pieces(name)).toEqual([])
})
