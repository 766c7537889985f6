import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { backupExpirePlugin } from '../../../../src/engine/plugins/backup_expire/plugin.ts'
import { backupSnapshotsPlugin } from '../../../../src/engine/plugins/backup_snapshots/plugin.ts'
import { snapshotsDeletePlugin } from '../../../../src/engine/plugins/snapshots_delete/plugin.ts'
import { systemClock } from '../../../../src/lib/clock.ts'
import { lockRepository } from '../../../../src/restic/repository/lock.ts'
import { readSeries } from '../../../../src/store/kinds/series/series.ts'
import { parseShape } from '../../../../src/wire/json.ts'
import { snapshotPageSchema } from '../../../../src/wire/snapshot.ts'
import { given } from '../../../support/given.ts'
import { SERVER } from '../../../support/plugin-args.ts'
import { recordedEntity, writeRecordedMeta } from '../../../support/recorded-store.ts'
import { hasRestic, restic } from '../../../support/restic.ts'
import { runPlugin } from '../../../support/run-plugin.ts'
import { compareTrees } from '../../../support/tree-compare.ts'
import { makeNastyTree } from '../../../support/tree-make.ts'

const shop = given.app('shop').proc('web').volume('/data/db')

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const NAME = 'shop-shop.web.web-1-data-db'

/** A volume of everything a tree can have, and its first snapshot; then it changed, and there is a second. */
async function makeSeries() {
  const world = await shop.plugins()
  const { volume, base } = world
  const increment = () => world.backUp({ mode: 'increment' })
  const original = join(base, 'original')
  rmSync(volume, { recursive: true })
  makeNastyTree(volume)
  writeFileSync(join(volume, 'time.log'), 'time1\n')
  const first = await increment()
  await world.recover(NAME, { destDir: join(world.volumeRoot, 'copy') })
  writeFileSync(join(volume, 'time.log'), 'damaged')
  writeFileSync(join(volume, 'since'), 'made since')
  const second = await increment()
  const ids = [String(first.result.snapshot), String(second.result.snapshot)]
  return { ...world, increment, original, copy: join(world.volumeRoot, 'copy'), ids }
}

test('a whole snapshot is recovered: the newest by default, an older one by its id, also into another volume', async () => {
  const { recover, volume, volumeRoot, copy, ids } = await makeSeries()
  const older = await recover(NAME, { snapshot: ids[0]?.slice(0, 8) })
  expect(older).toMatchObject({ state: 'success', warnings: [] })
  expect(compareTrees(copy, volume)).toEqual([])
  expect(await recover(NAME)).toMatchObject({ state: 'success' })
  expect(readFileSync(join(volume, 'time.log'), 'utf8')).toBe('damaged')
  const other = join(volumeRoot, 'other')
  expect(await recover(NAME, { snapshot: ids[0], destDir: other })).toMatchObject({ state: 'success' })
  expect(compareTrees(copy, other)).toEqual([])
})

test('without an id the newest snapshot that is not suspect is used, and the record names the skipped one', async () => {
  const { recover, backUp, volume } = await shop.plugins()
  writeFileSync(join(volume, 'precious'), 'content')
  const good = await backUp({ mode: 'increment' })
  rmSync(join(volume, 'precious'))
  const suspect = await backUp({ mode: 'increment' })
  expect(suspect).toMatchObject({ state: 'partial', result: { backup: { suspect: expect.any(String) } } })
  const [taken, passed] = [good, suspect].map(({ result }) => String(result.snapshot).slice(0, 8))
  const both = expect.stringMatching(`${passed}.* is suspect .*${taken}.* is used`)
  expect(await recover(NAME, { plan: true })).toMatchObject({
    warnings: [both],
    result: { plan: { create: 1 } },
  })
  expect(await recover(NAME)).toMatchObject({ state: 'success', warnings: [both] })
  expect(readdirSync(volume)).toEqual(['precious'])
  const doubt = expect.stringContaining('the backup is suspect')
  const named = await recover(NAME, { snapshot: passed })
  expect(named.warnings).toContainEqual(doubt)
  expect(readdirSync(volume)).toEqual([])
})

test('single files are recovered in place, and the rest stays', async () => {
  const { recover, volume, ids } = await makeSeries()
  chmodSync(join(volume, 'time.log'), 0o600)
  const one = await recover(NAME, { snapshot: ids[0], files: ['time.log', 'nowhere'] })
  expect(one).toMatchObject({ state: 'partial', warnings: ['nowhere: is not in the backup'] })
  expect(readFileSync(join(volume, 'time.log'), 'utf8')).toBe('time1\n')
  expect(readdirSync(volume)).toContain('since')
  const none = recover(NAME, { files: ['nowhere'] })
  await expect(none).rejects.toMatchObject({ code: 'NOT_FOUND' })
  const pattern = recover(NAME, { files: ['time.*'] })
  await expect(pattern).rejects.toThrow('"time.*". Patterns are not supported: name files or directories')
})

test('a plan says what would be done, and does nothing', async () => {
  const { recover, volume, ids } = await makeSeries()
  const names = readdirSync(volume)
  rmSync(join(volume, names.find((name) => name.startsWith('hello')) ?? 'time.log'), { force: true })
  writeFileSync(join(volume, 'time.log'), 'other than either')
  const whole = await recover(NAME, { snapshot: ids[0], plan: true })
  expect(whole.result.plan).toMatchObject({ delete: 1, more: false })
  expect(whole.result.plan?.steps).toContainEqual(
    expect.objectContaining({ action: 'overwrite', path: 'time.log' }),
  )
  expect(whole.result.plan?.steps).toContainEqual(
    expect.objectContaining({ action: 'delete', path: 'since' }),
  )
  const picked = await recover(NAME, { snapshot: ids[0], files: ['time.log'], plan: true })
  expect(picked.result.plan).toMatchObject({ create: 0, overwrite: 1, delete: 0, bytes: 6 })
  expect(readFileSync(join(volume, 'time.log'), 'utf8')).toBe('other than either')
})

test('a plan ends as the recover would if files are missing or would be skipped', async () => {
  const { recover, volume, ids } = await makeSeries()
  for (const files of [['nowhere'], ['time.*', 'nowhere/in']]) {
    const real = await recover(NAME, { files }).catch((error: unknown) => error)
    await expect(recover(NAME, { files, plan: true })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: String((real as Error).message).replace('"unpack"', '"plan"'),
    })
  }
  rmSync(join(volume, 'time.log'))
  mkdirSync(join(volume, 'time.log/holds'), { recursive: true })
  for (const files of [
    ['since', 'nowhere'],
    ['since', 'time.log'],
  ]) {
    const asked = { snapshot: ids[1], files }
    const planned = await recover(NAME, { ...asked, plan: true })
    const { state, reason, warnings } = await recover(NAME, asked)
    expect(planned).toMatchObject({ state, reason, warnings: [expect.anything()] })
    expect([state, warnings.length]).toEqual(['partial', 1])
    expect(planned.warnings[0]?.split(':')[0]).toBe(warnings[0]?.split(':')[0])
  }
})

test('a missing snapshot is named', async () => {
  const { recover } = await makeSeries()
  await expect(recover(NAME, { snapshot: 'ffffffff' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('a snapshot that is deleted while its recover waits is reported as missing', async () => {
  const { recover, store, settings, ids } = await makeSeries()
  await using repository = await store.ownRepository()
  const { signal } = new AbortController()
  const locking = { exclusive: true, dataDir: settings.dataDir, waitMs: 0, signal }
  const lock = await lockRepository(repository, locking)
  const recovering = recover(NAME, { snapshot: ids[0] })
  recovering.catch(() => {})
  const isWaiting = () => readdirSync(join(settings.dataDir, 'repository-locks')).length > 1
  await expect.poll(isWaiting).toBe(true)
  await repository.removeUnpacked('snapshots', ids[0] ?? '')
  await lock[Symbol.asyncDispose]()
  await expect(recovering).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('a damaged pack is found, and the volume is untouched', async () => {
  const { recover, storeDir, volume } = await makeSeries()
  const packs = join(storeDir, SERVER, 'repo/data')
  for (const name of readdirSync(packs, { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue
    const path = join(name.parentPath, name.name)
    const content = readFileSync(path)
    for (let at = 16; at < content.length; at += 97) content[at] = (content[at] ?? 0) ^ 1
    chmodSync(path, 0o600)
    writeFileSync(path, content)
  }
  const before = readdirSync(volume)
  await expect(recover(NAME)).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' })
  expect(readdirSync(volume)).toEqual(before)
})

test('a legacy mirror becomes the first snapshot, and is deleted only then', async () => {
  const world = await shop.plugins()
  const namespace = join(world.storeDir, SERVER)
  const mirror = join(namespace, NAME)
  mkdirSync(mirror)
  writeFileSync(join(mirror, 'time.log'), 'as the legacy system had it')
  const of = { mode: 'increment', name: NAME, source: world.volume, server: SERVER, size: 29 } as const
  writeRecordedMeta(namespace, [recordedEntity(of)])
  writeFileSync(join(world.volume, 'time.log'), 'now')
  const run = await world.backUp({ mode: 'increment' })
  expect(run).toMatchObject({ state: 'success', warnings: [expect.stringContaining('was taken over')] })
  expect(run.result.backup?.series).toMatchObject({ snapshots: 2 })
  expect((await world.store.list(SERVER, { limit: 9 })).backups.map(({ name }) => name)).toEqual([NAME])
  expect(readdirSync(namespace)).not.toContain(NAME)
  await using repository = await world.store.repository(SERVER)
  const snapshots = await Array.fromAsync(repository?.listUnpacked('snapshots') ?? [])
  const oldest = snapshots.find((id) => id !== run.result.snapshot)
  expect(await world.recover(NAME, { snapshot: oldest })).toMatchObject({ state: 'success' })
  expect(readFileSync(join(world.volume, 'time.log'), 'utf8')).toBe('as the legacy system had it')
})

test('the snapshot of a mirror never expires, and is deleted by hand', async () => {
  const world = await shop.plugins()
  const namespace = join(world.storeDir, SERVER)
  const created = new Date(Date.now() - 3 * DAY_MS).toISOString()
  mkdirSync(join(namespace, NAME))
  writeFileSync(join(namespace, NAME, 'deleted'), 'gone from the volume')
  const of = { mode: 'increment', name: NAME, source: world.volume, server: SERVER, size: 20 } as const
  writeRecordedMeta(namespace, [recordedEntity({ ...of, created })])
  writeFileSync(join(world.volume, 'time.log'), 'now')
  const ids: string[] = []
  for (const hoursAgo of [2, 0]) {
    const clock = { ...systemClock, now: () => Date.now() - hoursAgo * HOUR_MS }
    ids.push(String((await world.backUp({ mode: 'increment' }, { clock })).result.snapshot))
  }
  const args = { info: [`${world.volume}@increment`, '1h'] }
  const expired = await runPlugin(backupExpirePlugin, world.settings, { args, change: {} })
  expect(expired.result.deletedSnapshots).toEqual(ids.slice(0, 1))
  const listing = { args: { namespace: SERVER, name: NAME }, change: {} }
  const list = async () => {
    const { result } = await runPlugin(backupSnapshotsPlugin, world.settings, listing)
    return parseShape('The list', result, snapshotPageSchema).snapshots
  }
  const [newest, ofMirror] = await list()
  expect([newest, ofMirror]).toMatchObject([{ id: ids[1], mirror: false }, { mirror: true }])
  expect(await world.recover(NAME, { snapshot: ofMirror?.id, files: ['deleted'] })).toMatchObject({
    state: 'success',
  })
  expect(readFileSync(join(world.volume, 'deleted'), 'utf8')).toBe('gone from the volume')
  const byHand = { args: { namespace: SERVER, name: NAME, snapshots: [ofMirror?.id] }, change: {} }
  await runPlugin(snapshotsDeletePlugin, world.settings, byHand)
  expect((await list()).map(({ id }) => id)).toEqual(ids.slice(1))
})

test('content of a killed run is deleted a week later, even if no snapshot was ever deleted', async () => {
  const { settings, storeDir, volume, backUp } = await shop.plugins()
  writeFileSync(join(volume, 'file'), 'content')
  await backUp({ mode: 'increment' })
  const left = join(storeDir, SERVER, 'repo/data/ab')
  mkdirSync(left, { recursive: true })
  writeFileSync(join(left, `ab${'0'.repeat(62)}`), randomBytes(5000))
  const expireIn = (days: number) => {
    const clock = { ...systemClock, now: () => Date.now() + days * 86_400_000 }
    const args = { info: [`${volume}@increment`, '30d'] }
    return runPlugin(backupExpirePlugin, settings, { args, change: { clock } })
  }
  expect((await expireIn(0)).result).toEqual({ deleted: [] })
  expect((await expireIn(8)).result.bytesFreed).toBe(5000)
})

test('a second mirror that the legacy system made later is taken over too', async () => {
  const world = await shop.plugins()
  const namespace = join(world.storeDir, SERVER)
  const of = { mode: 'increment', name: NAME, source: world.volume, server: SERVER, size: 5 } as const
  const mirror = (content: string, created: string) => {
    mkdirSync(join(namespace, NAME))
    writeFileSync(join(namespace, NAME, 'time.log'), content)
    writeRecordedMeta(namespace, [recordedEntity({ ...of, created })])
  }
  mirror('first', '2026-11-01T10:00:00Z')
  await world.backUp({ mode: 'increment' })
  mirror('again', '2026-11-02T10:00:00Z')
  const run = await world.backUp({ mode: 'increment' })
  expect(run.result.backup?.series).toMatchObject({ snapshots: 4 })
  await using repository = await world.store.repository(SERVER)
  if (!repository) throw new Error('no repository')
  const [series] = await readSeries(repository, SERVER)
  const again = series?.snapshots.find(({ file }) => file.time.startsWith('2026-11-02'))
  expect(await world.recover(NAME, { snapshot: again?.id })).toMatchObject({ state: 'success' })
  expect(readFileSync(join(world.volume, 'time.log'), 'utf8')).toBe('again')
})

test.skipIf(!hasRestic)(
  'expired snapshots are gone, their room is freed, and restic accepts the repository (needs restic)',
  async () => {
    const { settings, storeDir, volume, backUp } = await shop.plugins()
    const ids: string[] = []
    for (const hoursAgo of [3, 2, 0]) {
      writeFileSync(join(volume, 'blob'), randomBytes(1 << 20))
      const clock = { ...systemClock, now: () => Date.now() - hoursAgo * 3_600_000 }
      ids.push(String((await backUp({ mode: 'increment' }, { clock })).result.snapshot))
    }
    const args = { info: [`${volume}@increment`, '1h'] }
    const expired = await runPlugin(backupExpirePlugin, settings, { args, change: {} })
    expect(expired.result.deletedSnapshots?.toSorted()).toEqual(ids.slice(0, 2).toSorted())
    expect(expired.result.changed).toMatchObject([{ series: { snapshots: 1, newest: ids[2] } }])
    expect(expired.result.bytesFreed).toBeGreaterThan(2 << 20)
    restic(join(storeDir, SERVER, 'repo'), join(storeDir, '.repository-password'))('check', '--read-data')
  },
)
