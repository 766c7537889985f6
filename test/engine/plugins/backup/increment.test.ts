import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Plugin } from '../../../../src/engine/plugin.ts'
import { backupDiffPlugin } from '../../../../src/engine/plugins/backup_diff/plugin.ts'
import { backupExpirePlugin } from '../../../../src/engine/plugins/backup_expire/plugin.ts'
import { backupFilesPlugin } from '../../../../src/engine/plugins/backup_files/plugin.ts'
import { backupHistoryPlugin } from '../../../../src/engine/plugins/backup_history/plugin.ts'
import { backupInfoPlugin } from '../../../../src/engine/plugins/backup_info/plugin.ts'
import { backupSnapshotsPlugin } from '../../../../src/engine/plugins/backup_snapshots/plugin.ts'
import { snapshotsDeletePlugin } from '../../../../src/engine/plugins/snapshots_delete/plugin.ts'
import { systemClock } from '../../../../src/lib/clock.ts'
import { formatGoTime, parseGoTime } from '../../../../src/restic/nodes/go-time.ts'
import { parseSnapshot } from '../../../../src/restic/nodes/snapshot-file.ts'
import { given } from '../../../support/given.ts'
import { SERVER } from '../../../support/plugin-args.ts'
import { hasRestic, restic } from '../../../support/restic.ts'
import { runPlugin } from '../../../support/run-plugin.ts'
import { putSnapshots } from '../../../support/snapshot-samples.ts'
import { canMount, mountTmpfs } from '../../../support/tmpfs.ts'

const shop = given.app('shop').proc('web').volume('/data/db')

const NAME = 'shop-shop.web.web-1-data-db'

async function makeWorld() {
  const world = await shop.plugins()
  const ask = async <Args>(plugin: Plugin<Args>, args: object = {}) =>
    (
      await runPlugin(plugin, world.settings, {
        args: { namespace: SERVER, name: NAME, ...args },
        change: {},
      })
    ).result
  const file = (name: string) => join(world.volume, name)
  return {
    ...world,
    file,
    ask,
    increment: () => world.backUp({ mode: 'increment' }),
    snapshotFile: async (id = '') => {
      await using repository = await world.store.ownRepository()
      return parseSnapshot(id, await repository.loadUnpacked('snapshots', id))
    },
    restic: restic(join(world.storeDir, SERVER, 'repo'), join(world.storeDir, '.repository-password')),
  }
}

/** Two snapshots: a.txt changed, b.txt went, sub/c.txt came. */
async function makeSeries() {
  const world = await makeWorld()
  writeFileSync(world.file('a.txt'), 'first')
  writeFileSync(world.file('b.txt'), 'bee')
  const first = await world.increment()
  writeFileSync(world.file('a.txt'), 'second, longer')
  rmSync(world.file('b.txt'))
  mkdirSync(world.file('sub'))
  writeFileSync(world.file('sub/c.txt'), 'see')
  const second = await world.increment()
  return { ...world, first, second, ids: [String(first.result.snapshot), String(second.result.snapshot)] }
}

describe('an increment', () => {
  test('is a snapshot in the series with the legacy name, and reports what it did', async () => {
    const { first, second, ids, volume } = await makeSeries()
    expect(first).toMatchObject({ state: 'success', reason: '', warnings: [] })
    expect(first.result).toMatchObject({ file: NAME, size: 8, filesNew: 2, filesUnchanged: 0, bytesRead: 8 })
    expect(second.result).toMatchObject({ filesNew: 1, filesChanged: 1, filesDeleted: 1, filesUnchanged: 0 })
    expect(second.result.backup).toMatchObject({
      name: NAME,
      mode: 'increment',
      source: volume,
      sequence: 2,
      state: 'success',
      series: { snapshots: 2, newest: ids[1], lastGood: { id: ids[1] } },
    })
  })

  test('of a volume that is suddenly empty is suspect', async () => {
    const world = await makeSeries()
    for (const name of readdirSync(world.volume)) rmSync(world.file(name), { recursive: true })
    const empty = await world.increment()
    expect(empty).toMatchObject({ state: 'partial', reason: expect.stringContaining('the volume is empty') })
    expect(empty.result.backup).toMatchObject({ series: { snapshots: 3, lastGood: { id: world.ids[1] } } })
  })

  test('of an emptied volume is suspect even if restic made a snapshot in between', async () => {
    const world = await makeSeries()
    const newest = await world.snapshotFile(world.ids[1])
    const afterIt = formatGoTime((parseGoTime(newest.time) ?? 0n) + 1n)
    await putSnapshots(world.store, { ...newest, time: afterIt, backupd: null, tags: [] })
    for (const name of readdirSync(world.volume)) rmSync(world.file(name), { recursive: true })
    const empty = await world.increment()
    expect(empty).toMatchObject({ state: 'partial', reason: expect.stringContaining('the volume is empty') })
  })

  test('is refused if another volume has the series of that name', async () => {
    const world = await makeSeries()
    const other = join(world.volumeRoot, 'other')
    mkdirSync(other)
    for (const whose of [{ volume: '/data-db' }, { app: 'other' }, { instanceNo: 2 }]) {
      const run = world.backUp({ mode: 'increment', path: other, ...whose })
      await expect(run).rejects.toMatchObject({ code: 'CONFLICT' })
    }
  })

  test('continues its series if the volume moved, and recovers and expiry follow', async () => {
    const { volume, volumeRoot, settings, jobs, backUp, recover, file } = await makeWorld()
    const clock = { ...systemClock, now: () => Date.now() - 3 * 3_600_000 }
    writeFileSync(file('a.txt'), 'first')
    const first = await backUp({ mode: 'increment' }, { clock })
    const path = join(volumeRoot, 'moved')
    cpSync(volume, path, { recursive: true })
    writeFileSync(join(path, 'a.txt'), 'second')
    for (const job of jobs) job.args.path = path
    const increment = () => backUp({ mode: 'increment', path })
    const second = await increment()
    expect(second).toMatchObject({ state: 'success', warnings: [expect.stringContaining(`at "${volume}"`)] })
    expect(second.result.backup).toMatchObject({ source: path, series: { snapshots: 2 } })
    expect(await increment()).toMatchObject({ warnings: [], result: { filesNew: 0 } })
    expect(await recover(NAME, { snapshot: first.result.snapshot })).toMatchObject({ state: 'success' })
    expect(readFileSync(join(path, 'a.txt'), 'utf8')).toBe('first')
    const args = { info: [`${path}@increment`, '1h'] }
    const expired = await runPlugin(backupExpirePlugin, settings, { args, change: {} })
    expect(expired.result.deletedSnapshots).toEqual([first.result.snapshot])
  })

  test.skipIf(!canMount)('of a volume that moved off a mount is not suspect (needs mounts)', async () => {
    const { volume, volumeRoot, backUp } = await shop.plugins()
    const unmount = mountTmpfs(volume)
    onTestFinished(unmount)
    writeFileSync(join(volume, 'a.txt'), 'content')
    await backUp({ mode: 'increment' })
    const path = join(volumeRoot, 'moved')
    cpSync(volume, path, { recursive: true })
    expect(await backUp({ mode: 'increment', path })).toMatchObject({ state: 'success', reason: '' })
    rmSync(join(path, 'a.txt'))
    expect(await backUp({ mode: 'increment', path })).toMatchObject({ state: 'partial' })
  })

  test.skipIf(!hasRestic)('is a snapshot that restic accepts (needs restic)', async () => {
    const { restic, ids } = await makeSeries()
    restic('check', '--read-data')
    const listed = JSON.parse(restic('snapshots', '--json')) as { id: string; hostname: string }[]
    expect(listed.map(({ id }) => id)).toEqual(ids)
    expect(listed[0]?.hostname).toBe(SERVER)
  })
})

describe('a series shows', () => {
  test('its snapshots, newest first and page by page', async () => {
    const { ask, ids } = await makeSeries()
    const all = await ask(backupSnapshotsPlugin)
    expect(all).toMatchObject({
      snapshots: [{ id: ids[1], good: true, size: 17, files: 2 }, { id: ids[0] }],
      next: null,
    })
    const first = await ask(backupSnapshotsPlugin, { limit: 1 })
    expect(first).toMatchObject({ snapshots: [{ id: ids[1] }], next: ids[1] })
    expect(await ask(backupSnapshotsPlugin, { limit: 1, after: ids[1] })).toMatchObject({
      snapshots: [{ id: ids[0] }],
      next: null,
    })
  })

  test('its files in either snapshot', async () => {
    const { ask, ids } = await makeSeries()
    const names = async (args: object) =>
      ((await ask(backupFilesPlugin, args)).files as { path: string }[]).map(({ path }) => path)
    expect(await names({})).toEqual(['a.txt', 'sub'])
    expect(await names({ path: 'sub' })).toEqual(['sub/c.txt'])
    expect(await names({ snapshot: ids[0]?.slice(0, 8) })).toEqual(['a.txt', 'b.txt'])
  })

  test('the differences', async () => {
    const { ask, ids } = await makeSeries()
    const { changes, next } = await ask(backupDiffPlugin, { from: ids[0] })
    const told = (changes as { path: string; change: string }[]).map(
      ({ path, change }) => `${change} ${path}`,
    )
    expect(told).toEqual(['content a.txt', 'removed b.txt', 'added sub', 'added sub/c.txt'])
    expect(next).toBeNull()
    const page = await ask(backupDiffPlugin, { from: ids[0], to: ids[1], limit: 2, after: 'a.txt' })
    expect(page).toMatchObject({ changes: [{ path: 'b.txt', after: null }, { path: 'sub' }], next: 'sub' })
  })

  test('the history of a file', async () => {
    const { ask, ids, increment } = await makeSeries()
    await increment()
    const { versions } = await ask(backupHistoryPlugin, { path: 'a.txt' })
    expect(versions).toMatchObject([
      { snapshot: ids[1], change: 'content', file: { size: 14 } },
      { snapshot: ids[0], change: 'added', file: { size: 5 } },
    ])
    expect((await ask(backupHistoryPlugin, { path: 'b.txt' })).versions).toMatchObject([
      { change: 'removed', file: null },
      { change: 'added' },
    ])
  })

  test('itself by its name', async () => {
    const { ask, ids } = await makeSeries()
    expect(await ask(backupInfoPlugin)).toMatchObject({ name: NAME, series: { newest: ids[1] } })
    await expect(ask(backupInfoPlugin, { name: 'another' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

test('single snapshots are deleted, all or none', async () => {
  const { ask, ids, store } = await makeSeries()
  await expect(ask(snapshotsDeletePlugin, { snapshots: [ids[0], 'ffffffff'] })).rejects.toMatchObject({
    code: 'NOT_FOUND',
  })
  expect(await ask(snapshotsDeletePlugin, { snapshots: [ids[0]] })).toEqual({ deletedSnapshots: [ids[0]] })
  expect((await store.list(SERVER, { limit: 9 })).backups).toMatchObject([{ series: { snapshots: 1 } }])
})
