import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { backupExpirePlugin } from '../../../../src/engine/plugins/backup_expire/plugin.ts'
import { snapshotsDeletePlugin } from '../../../../src/engine/plugins/snapshots_delete/plugin.ts'
import { systemClock } from '../../../../src/lib/clock.ts'
import { BackupdError } from '../../../../src/lib/errors.ts'
import { fillFileSystem } from '../../../support/fill-store.ts'
import { given } from '../../../support/given.ts'
import { SERVER } from '../../../support/plugin-args.ts'
import { hasRestic, restic } from '../../../support/restic.ts'
import { runPlugin } from '../../../support/run-plugin.ts'
import { canMount, mountTmpfs } from '../../../support/tmpfs.ts'

const shop = given.app('shop').proc('web').volume('/data/db')

const MIB = 1 << 20
const NAME = 'shop-shop.web.web-1-data-db'

/** A store with room for a few MiB. */
async function makeSmallStore(size = '4m') {
  const world = await shop.plugins()
  onTestFinished(mountTmpfs(world.storeDir, `size=${size}`))
  await world.store.claim(false)
  await world.store.preparePassword()
  const check = () =>
    restic(join(world.storeDir, SERVER, 'repo'), join(world.storeDir, '.repository-password'))('check')
  return { ...world, check, increment: () => world.backUp({ mode: 'increment' }) }
}

test.skipIf(!canMount)(
  'a full store leaves no snapshot, and the next run works without help (needs mount)',
  async () => {
    const { volume, storeDir, increment, check } = await makeSmallStore()
    writeFileSync(join(volume, 'small'), 'fits')
    const first = await increment()
    writeFileSync(join(volume, 'large'), randomBytes(12 * MIB))
    await expect(increment()).rejects.toMatchObject({ code: 'STORE_FULL' })
    expect(readdirSync(join(storeDir, SERVER, 'repo/snapshots'))).toEqual([first.result.snapshot])
    expect(readdirSync(join(storeDir, SERVER, 'repo/locks'))).toEqual([])
    rmSync(join(volume, 'large'))
    writeFileSync(join(volume, 'small'), 'fits again')
    expect(await increment()).toMatchObject({
      state: 'success',
      result: { backup: { series: { snapshots: 2 } } },
    })
    if (hasRestic) check()
  },
)

test.skipIf(!canMount)(
  'a recover from a full or read-only store works without a lock, with a warning (needs mount)',
  async () => {
    const { volume, storeDir, increment, recover } = await makeSmallStore()
    writeFileSync(join(volume, 'file'), 'content')
    await increment()
    const expectReadable = async (why: string) => {
      const warning = expect.stringMatching(`${why}.*It is read without a lock`)
      const planned = await recover(NAME, { plan: true })
      expect(planned).toMatchObject({ result: { plan: { unchanged: 1 } }, warnings: [warning] })
      writeFileSync(join(volume, 'file'), 'damaged')
      expect(await recover(NAME)).toMatchObject({ state: 'success', warnings: [warning] })
      expect(readFileSync(join(volume, 'file'), 'utf8')).toBe('content')
    }
    const free = fillFileSystem(storeDir)
    await expectReadable('the store is full')
    free()
    execFileSync('mount', ['-o', 'remount,ro', storeDir])
    await expectReadable('it is read-only')
    expect(readdirSync(join(storeDir, SERVER, 'repo/locks'))).toEqual([])
  },
)

/** A store with snapshots of four hours, and what no index knows; then it is full. */
async function makeFullStore(withReserve: boolean) {
  const world = await makeSmallStore('32m')
  const { volume, storeDir, settings, backUp } = world
  const at = (hours: number) => ({ ...systemClock, now: () => Date.now() + hours * 3_600_000 })
  const ids: string[] = []
  for (const hours of [-4, -3, -2, -1]) {
    writeFileSync(join(volume, 'large'), randomBytes(2 * MIB))
    ids.push(String((await backUp({ mode: 'increment' }, { clock: at(hours) })).result.snapshot))
  }
  const expire = (expire: string, hours: number) => {
    const args = { info: [`${volume}@increment`, expire] }
    return runPlugin(backupExpirePlugin, settings, { args, change: { clock: at(hours) } })
  }
  if (withReserve) await expire('30d', -1)
  const left = join(storeDir, SERVER, 'repo/data/ab')
  mkdirSync(left, { recursive: true })
  writeFileSync(join(left, `ab${'0'.repeat(62)}`), randomBytes(MIB))
  const free = fillFileSystem(storeDir)
  const [reserve, snapshots] = [join(storeDir, SERVER, '.reserve'), join(storeDir, SERVER, 'repo/snapshots')]
  return { ...world, ids, expire, free, reserve, snapshots: () => readdirSync(snapshots).sort() }
}

test.skipIf(!canMount)(
  'a full store can be emptied by hand, by age and by a prune an hour later (needs mount)',
  async () => {
    const { settings, ids, expire, free, reserve, snapshots, check } = await makeFullStore(true)
    const args = { namespace: SERVER, name: NAME, snapshots: ids.slice(0, 1) }
    const deleted = await runPlugin(snapshotsDeletePlugin, settings, { args, change: {} })
    expect(deleted.result).toEqual({ deletedSnapshots: ids.slice(0, 1) })
    expect(snapshots()).toEqual(ids.slice(1).sort())
    const { state, result } = await expire('1h', 0)
    expect(state).toBe('success')
    expect(result.deletedSnapshots?.sort()).toEqual(ids.slice(1, 3).sort())
    expect(result.bytesFreed).toBeGreaterThan(7 * MIB)
    expect(statSync(reserve).size).toBe(4 * MIB)
    free()
    if (hasRestic) check()
  },
)

test.skipIf(!canMount)('a full store that cannot be emptied is reported (needs mount)', async () => {
  const { ids, expire, snapshots } = await makeFullStore(false)
  expect(await expire('1h', 0)).toMatchObject({
    state: 'partial',
    reason: expect.stringContaining('the store is full'),
  })
  expect(snapshots()).toEqual(ids.sort())
})

test('a cancelled run leaves no snapshot and no lock', async () => {
  const { volume, storeDir, store, backUp } = await shop.plugins()
  for (const n of [1, 2, 3, 4]) writeFileSync(join(volume, `${n}`), randomBytes(4 * MIB))
  const cancelling = new AbortController()
  const reason = new BackupdError('CANCELLED', 'Cancelled on request')
  const progress = ({ bytesDone = 0 }: { bytesDone?: number }) => {
    if (bytesDone > 0) cancelling.abort(reason)
  }
  const run = backUp({ mode: 'increment' }, { signal: cancelling.signal, progress })
  await expect(run).rejects.toThrow()
  expect((await store.list(SERVER, { limit: 9 })).backups).toEqual([])
  await expect.poll(() => readdirSync(join(storeDir, SERVER, 'repo/locks'))).toEqual([])
  expect(await backUp({ mode: 'increment' })).toMatchObject({ state: 'success', result: { filesNew: 4 } })
})

test('increments with a wrong password are refused, and full backups continue', async () => {
  const { volume, storeDir, backUp } = await shop.plugins()
  writeFileSync(join(volume, 'a'), 'a')
  await backUp({ mode: 'increment' })
  writeFileSync(join(storeDir, '.repository-password'), 'another')
  const refused = backUp({ mode: 'increment' })
  await expect(refused).rejects.toMatchObject({ code: 'REPOSITORY_PASSWORD' })
  await expect(refused).rejects.toThrow(SERVER)
  expect(await backUp()).toMatchObject({ state: 'success' })
})
