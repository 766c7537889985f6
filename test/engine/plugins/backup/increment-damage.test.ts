import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { backupExpirePlugin } from '../../../../src/engine/plugins/backup_expire/plugin.ts'
import { backupSnapshotsPlugin } from '../../../../src/engine/plugins/backup_snapshots/plugin.ts'
import { systemClock } from '../../../../src/lib/clock.ts'
import type { SnapshotInfo } from '../../../../src/wire/snapshot.ts'
import { given } from '../../../support/given.ts'
import { SERVER } from '../../../support/plugin-args.ts'
import { hasRestic, restic } from '../../../support/restic.ts'
import { runPlugin } from '../../../support/run-plugin.ts'

const NAME = 'shop-shop.web.web-1-data-db'
const MIB = 1 << 20
const DAY_MS = 86_400_000

/** A volume with one large file and its first snapshot; nothing changes from then on. */
async function makeSeries() {
  const world = await given.app('shop').proc('web').volume('/data/db').plugins()
  const { volume, storeDir, settings } = world
  const content = randomBytes(3 * MIB)
  mkdirSync(join(volume, 'below'))
  writeFileSync(join(volume, 'below/large'), content)
  // What changed so shortly before would be read again in any case.
  const in_ = (ms: number) => ({ ...systemClock, now: () => Date.now() + ms })
  const increment = (days = 0) => world.backUp({ mode: 'increment' }, { clock: in_(days * DAY_MS + 10_000) })
  const first = await increment()
  const repository = join(storeDir, SERVER, 'repo')
  const packs = () =>
    readdirSync(join(repository, 'data'), { recursive: true, withFileTypes: true })
      .filter((name) => name.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
  const args = { namespace: SERVER, name: NAME }
  return {
    ...world,
    content,
    increment,
    packs,
    first: String(first.result.snapshot),
    dataPack: () => packs().find((path) => statSync(path).size > MIB) ?? '',
    treePack: () => packs().find((path) => statSync(path).size < MIB) ?? '',
    isWhole: () => readFileSync(join(volume, 'below/large')).equals(content),
    note: () => readFileSync(join(storeDir, SERVER, '.damaged'), 'utf8'),
    snapshots: async (): Promise<SnapshotInfo[]> =>
      (await runPlugin(backupSnapshotsPlugin, settings, { args, change: {} })).result.snapshots as never,
    expireIn: (days: number, expire = '30d') => {
      const expiring = { info: [`${volume}@increment`, expire] }
      const change = { clock: in_(days * DAY_MS) }
      return runPlugin(backupExpirePlugin, settings, { args: expiring, change })
    },
    check: () => {
      if (hasRestic) restic(repository, join(storeDir, '.repository-password'))('check', '--read-data')
    },
  }
}

function flipByte(path: string): void {
  const content = readFileSync(path)
  content[100] = (content[100] ?? 0) ^ 1
  chmodSync(path, 0o600)
  writeFileSync(path, content)
}

test('a damaged snapshot is no longer good, and the next run stores the missing content again', async () => {
  const { recover, increment, first, dataPack, packs, isWhole, snapshots, ...world } = await makeSeries()
  const damaged = dataPack()
  flipByte(damaged)
  await expect(recover(NAME)).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' })
  expect(isWhole()).toBe(true)
  const corrupt = expect.stringMatching(
    /^the content of 1 paths is damaged, such as "below\/large" \(found 2/,
  )
  expect(await snapshots()).toMatchObject([{ id: first, good: false, corrupt }])
  const { backups } = await world.store.list(SERVER, { limit: 9 })
  expect(backups).toMatchObject([{ corrupt, series: { lastGood: null } }])
  const healing = await increment()
  expect(healing).toMatchObject({ state: 'success', warnings: [] })
  expect(healing.result.bytesAdded).toBeGreaterThan(3 * MIB)
  rmSync(join(world.volume, 'below'), { recursive: true })
  expect(await recover(NAME)).toMatchObject({ state: 'success', warnings: [] })
  expect(isWhole()).toBe(true)
  expect(await snapshots()).toMatchObject([{ good: true }, { id: first, good: false, corrupt }])
  expect(await recover(NAME, { snapshot: first })).toMatchObject({ state: 'success' })
  expect(await snapshots()).toMatchObject([{ good: true }, { id: first, good: true, corrupt: null }])
  expect((await world.expireIn(1)).result.bytesFreed).toBeGreaterThan(3 * MIB)
  expect(packs()).not.toContain(damaged)
  expect(JSON.parse(world.note())).toEqual({ packs: {}, snapshots: {} })
  expect(await recover(NAME, { snapshot: first })).toMatchObject({ state: 'success' })
  world.check()
})

test('a run whose previous snapshot is unreadable reads everything, which repairs the damage', async () => {
  const { recover, increment, treePack, first, snapshots, isWhole } = await makeSeries()
  flipByte(treePack())
  const healing = await increment()
  expect(healing).toMatchObject({
    state: 'success',
    warnings: [expect.stringContaining('the previous snapshot is damaged, so everything is read again')],
    result: { bytesRead: 3 * MIB, backup: { series: { lastGood: { id: healing.result.snapshot } } } },
  })
  expect(healing.result.bytesAdded).toBeLessThan(MIB)
  expect(await snapshots()).toMatchObject([{ good: true }, { id: first, good: false }])
  expect(await increment()).toMatchObject({ warnings: [], result: { filesUnchanged: 1 } })
  for (const snapshot of [healing.result.snapshot, first])
    expect(await recover(NAME, { snapshot })).toMatchObject({ state: 'success' })
  expect(isWhole()).toBe(true)
  expect(await snapshots()).toMatchObject([{ good: true }, { good: true }, { good: true }])
})

test('the content of a missing pack is stored again, and a prune does not need the pack', async () => {
  const { recover, increment, dataPack, expireIn, first, check } = await makeSeries()
  rmSync(dataPack())
  await expect(recover(NAME)).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' })
  await increment()
  expect(await expireIn(1)).toMatchObject({ state: 'success', result: { bytesFreed: expect.any(Number) } })
  expect(await recover(NAME, { snapshot: first })).toMatchObject({ state: 'success' })
  check()
})

test('a damaged newest snapshot does not let the good one before it expire', async () => {
  const { recover, increment, packs, first, volume, expireIn, snapshots } = await makeSeries()
  const before = packs()
  writeFileSync(join(volume, 'below/large'), randomBytes(2 * MIB))
  const second = await increment(2)
  for (const pack of packs().filter((path) => !before.includes(path) && statSync(path).size > MIB))
    rmSync(pack)
  await expect(recover(NAME)).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' })
  await expireIn(3, '1h')
  expect((await snapshots()).map(({ id }) => id)).toEqual([second.result.snapshot, first])
})

test('damage in increments of another server is not noted there', async () => {
  const { recover, settings, dataPack, storeDir } = await makeSeries()
  flipByte(dataPack())
  const elsewhere = recover(NAME, {}, { settings: { ...settings, ip: '10.77.0.12', daemonId: 'daemon-2' } })
  await expect(elsewhere).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' })
  expect(readdirSync(join(storeDir, SERVER))).not.toContain('.damaged')
})
