import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkRoom } from '../../../../src/engine/plugins/backup_recover/check-room.ts'
import {
  recoverPlugin,
  recoverUndoPlanPlugin,
  recoverUndoPlugin,
} from '../../../../src/engine/plugins/backup_recover/plugin.ts'
import {
  keptDropPlugin,
  keptExpirePlugin,
  keptFindPlugin,
  keptListPlugin,
} from '../../../../src/engine/plugins/kept/plugin.ts'
import { systemBootClock } from '../../../../src/lib/boot-clock.ts'
import { given } from '../../../support/given.ts'
import { heldVolume } from '../../../support/held-volume.ts'
import { recoverArgs } from '../../../support/plugin-args.ts'
import { runPlugin } from '../../../support/run-plugin.ts'

const shop = given.app('shop').proc('web').volume('/data/db')
const NAME = 'shop-shop.web.web-1-data-db'
const HOUR = 3_600_000

/** An increment of `log` and `dir/kept`, over which a recover with keepOld went; `since` was written after the backup. */
async function makeRecovered() {
  const world = await shop.plugins()
  const { volume, backUp, recover, settings } = world
  mkdirSync(join(volume, 'dir'), { recursive: true })
  for (const path of ['log', 'dir/kept']) writeFileSync(join(volume, path), 'first')
  await backUp({ mode: 'increment' })
  writeFileSync(join(volume, 'log'), 'second')
  writeFileSync(join(volume, 'dir/since'), 'since')
  const { result } = await recover(NAME, { keepOldMs: HOUR })
  const kept = result.keptOld?.rid ?? ''
  const named = { app: 'shop', proc: 'shop.web.web', destDir: volume, kept }
  const run = (plugin: typeof recoverUndoPlugin, more: object = {}) =>
    runPlugin(plugin, settings, { args: { ...named, ...more } })
  const list = async () => (await runPlugin(keptListPlugin, settings, { args: {} })).result
  const read = (path: string) => readFileSync(join(volume, path), 'utf8')
  return { ...world, kept, named, run, list, read, result }
}

test('an undo does what its plan says, and itself can be undone', async () => {
  const { run, read, volume, result, list, kept } = await makeRecovered()
  expect(result.keptOld).toMatchObject({ volume, files: 3, rid: kept })
  expect([read('log'), existsSync(join(volume, 'dir/since'))]).toEqual(['first', false])
  const { plan } = (await run(recoverUndoPlanPlugin)).result
  expect(plan).toMatchObject({ create: 1, overwrite: expect.any(Number), delete: 0 })
  expect(plan?.steps).toContainEqual({ action: 'create', path: 'dir/since', bytes: 5 })
  const undone = await run(recoverUndoPlugin, { planHash: plan?.planHash })
  expect(undone).toMatchObject({ state: 'success', warnings: [] })
  expect([read('log'), read('dir/since'), read('dir/kept')]).toEqual(['second', 'since', 'first'])
  expect(await list()).toMatchObject({ kept: [{ volume, rid: undone.result.keptOld?.rid, files: 2 }] })
  await expect(run(recoverUndoPlugin)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(await run(recoverUndoPlugin, { kept: undone.result.keptOld?.rid })).toMatchObject({
    state: 'success',
  })
  expect([read('log'), existsSync(join(volume, 'dir/since'))]).toEqual(['first', false])
})

test('an undo whose plan is stale names the difference and changes nothing', async () => {
  const { run, read, volume } = await makeRecovered()
  const { plan } = (await run(recoverUndoPlanPlugin)).result
  writeFileSync(join(volume, 'later'), 'later')
  await expect(run(recoverUndoPlugin, { planHash: plan?.planHash })).rejects.toMatchObject({
    code: 'PLAN_STALE',
    facts: { alsoDelete: ['later'] },
  })
  expect([read('log'), read('later')]).toEqual(['first', 'later'])
})

test('a copy expires by the trusted clock, and not while that is in doubt', async () => {
  const { settings, list, volumeRoot, named, volume } = await makeRecovered()
  const expire = async (change: object) =>
    runPlugin(keptExpirePlugin, { ...settings, ...change }, { args: { destDir: named.destDir } })
  const later = (ms: number) => ({
    timeAnchor: { trustedMs: Date.now() + ms, bootMs: systemBootClock.elapsedMs() },
  })
  await expire({})
  // The wall clock is hours behind the trusted time, so that it is in doubt.
  await expire(later(2 * HOUR))
  expect(await list()).toMatchObject({ kept: [{ volume }], due: [] })
  const clock = {
    now: () => Date.now() + 2 * HOUR,
    elapsed: () => 0,
    after: () => ({ [Symbol.dispose]() {} }),
  }
  await runPlugin(keptExpirePlugin, settings, { args: { destDir: named.destDir }, change: { clock } })
  expect(await list()).toMatchObject({ kept: [], due: [] })
  expect(
    readdirSync(volumeRoot, { recursive: true }).filter((name) => `${name}`.includes('.backupd-')),
  ).toEqual([])
})

test('a copy can be dropped early, and then there is nothing to undo', async () => {
  const { run, settings, named, list } = await makeRecovered()
  const dropped = await runPlugin(keptDropPlugin, settings, { args: named })
  expect(dropped).toMatchObject({ state: 'success', result: { bytesFreed: expect.any(Number) } })
  expect(await list()).toMatchObject({ kept: [] })
  await expect(run(recoverUndoPlugin)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(runPlugin(keptDropPlugin, settings, { args: named })).rejects.toMatchObject({
    code: 'NOT_FOUND',
  })
})

test('a copy is found again by its folder if the data directory is lost, and a missing volume is searched later', async () => {
  const { run, settings, read, volume } = await makeRecovered()
  const missing = join(volume, '../missing')
  const list = async () =>
    (await runPlugin(keptListPlugin, settings, { args: { volumes: [volume, missing] } })).result
  rmSync(join(settings.dataDir, 'kept'), { recursive: true })
  expect(await list()).toMatchObject({ kept: [], unsearched: [volume, missing] })
  await runPlugin(keptFindPlugin, settings, {
    args: { paths: [volume, missing], volumes: [volume, missing] },
  })
  expect(await list()).toMatchObject({ kept: [{ volume }], unsearched: [missing] })
  await run(recoverUndoPlugin)
  expect(read('log')).toBe('second')
})

test('recovers that cannot keep what they replace are refused with the reason', async () => {
  const { named } = await makeRecovered()
  const args = { ...recoverArgs(NAME), destDir: named.destDir, keepOldMs: HOUR }
  expect(() => recoverPlugin.parseArgs({ ...args, files: ['log'] })).toThrow('single files keeps nothing')
  expect(() => recoverPlugin.parseArgs({ ...args, onRefusedRename: 'in-place' })).toThrow('copy in place')
  for (const keepOldMs of [0, 59_999, 31 * 24 * HOUR, 1.5 * HOUR + 0.5])
    expect(() => recoverPlugin.parseArgs({ ...args, keepOldMs })).toThrow('keepOldMs')
})

test('a recover without enough room names the copy that takes some', async () => {
  const { settings, volume, kept } = await makeRecovered()
  const needs = { bytes: Number.MAX_SAFE_INTEGER, entries: 1 }
  const source = { needs, measure: async () => needs }
  using held = heldVolume(volume)
  const { signal } = new AbortController()
  const question = { source, volume: held, chosen: null, signal, dataDir: settings.dataDir }
  await expect(checkRoom(question)).rejects.toMatchObject({ code: 'NO_ROOM', facts: { keptRid: kept } })
})

test('a copy made while the clock is in doubt lasts by either clock', async () => {
  const { settings, recover, list } = await makeRecovered()
  const behind = { trustedMs: Date.now() - 48 * HOUR, bootMs: systemBootClock.elapsedMs() }
  settings.timeAnchor = behind
  const { result } = await recover(NAME, { keepOldMs: HOUR })
  expect(Date.parse(result.keptOld?.until ?? '')).toBeGreaterThan(Date.now() + HOUR / 2)
  expect(await list()).toMatchObject({ kept: [{ rid: result.keptOld?.rid }] })
})

test('a copy that cannot be removed does not keep the others of its volume, and is told without an error', async () => {
  const { settings, list, volume, named } = await makeRecovered()
  const folder = join(settings.dataDir, 'kept')
  const [name = ''] = readdirSync(folder).filter((one) => one.endsWith('.json'))
  const note = JSON.parse(readFileSync(join(folder, name), 'utf8'))
  const [id, staging] = ['0'.repeat(40), join(volume, `.backupd-recover-${'0'.repeat(40)}`)]
  // It lies in the volume, which is another directory since.
  const stuck = { ...note, id, rid: id, staging, inode: '1', untilMs: 1 }
  writeFileSync(join(folder, `${id}.json`), JSON.stringify(stuck))
  writeFileSync(join(folder, name), JSON.stringify({ ...note, untilMs: 1 }))
  const ended = await runPlugin(keptExpirePlugin, settings, { args: { destDir: named.destDir } })
  expect(ended).toMatchObject({ state: 'partial', reason: expect.stringContaining('another inode') })
  expect(await list()).toMatchObject({ kept: [{ rid: id }], due: [volume] })
})

test('an expiry whose volume is locked is told without an error', async () => {
  const { settings, named } = await makeRecovered()
  writeFileSync(join(settings.dataDir, 'recovers', 'broken.json'), 'x')
  const ended = await runPlugin(keptExpirePlugin, settings, { args: { destDir: named.destDir } })
  expect(ended).toMatchObject({ state: 'partial', reason: expect.stringContaining('broken.json') })
})
