import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { backupExpirePlugin } from '../../../../src/engine/plugins/backup_expire/plugin.ts'
import { settlePlugin } from '../../../../src/engine/plugins/settle/plugin.ts'
import type { Plugins } from '../../../support/given/plugins.ts'
import { given } from '../../../support/given.ts'
import { killAndWait, lockRepositoryInChild } from '../../../support/lock-child.ts'
import { SERVER } from '../../../support/plugin-args.ts'
import { recoverUntil } from '../../../support/recover-until.ts'
import { noFlags, run } from '../../../support/refused-renames.ts'
import { runPlugin } from '../../../support/run-plugin.ts'
import { contentOf, fillOld, RID } from '../../../support/swap-content.ts'

const shop = given.app('shop').proc('web').volume('/data/db')

type World = Plugins

function settle(world: World, args = {}, settings = world.settings) {
  return runPlugin(settlePlugin, settings, { args, change: {} })
}

test('crashed runs in a volume and in the store are settled in one run', async () => {
  const world = await shop.plugins()
  fillOld(world.volume)
  const before = contentOf(world.volume)
  await recoverUntil({ dataDir: world.dataDir, volume: world.volume, point: 'moved out' })
  const part = `db-1795423489.tar.gz.part-${RID}`
  writeFileSync(`${world.storeDir}/${SERVER}/${part}`, 'unfinished')
  const { state, result } = await settle(world)
  expect(state).toBe('success')
  expect(result).toMatchObject({
    settled: [{ volume: world.volume, rid: RID, outcome: 'went back' }],
    locked: [],
    swept: [expect.stringContaining(part)],
    unknown: [],
  })
  expect(contentOf(world.volume)).toEqual(before)
  expect(world.objects()).toEqual([])
})

test('a store of another daemon is reported, or taken over on request; volumes are settled either way', async () => {
  const world = await shop.plugins()
  fillOld(world.volume)
  await recoverUntil({ dataDir: world.dataDir, volume: world.volume, point: 'moved out' })
  const other = { ...world.settings, daemonId: 'daemon-2' }
  const refused = await settle(world, {}, other)
  expect(refused).toMatchObject({
    state: 'partial',
    result: { storeError: { code: 'CONFLICT' }, settled: [{ rid: RID }] },
  })
  expect(await settle(world, { takeOver: true }, other)).toMatchObject({
    state: 'success',
    result: { settled: [] },
  })
})

test('what cannot be settled is reported with volume, journal and reason', async () => {
  const world = await shop.plugins()
  fillOld(world.volume)
  await recoverUntil({ dataDir: world.dataDir, volume: world.volume, point: 'moved out' })
  const staging = `${world.parent}/.backupd-recover-${RID}`
  writeFileSync(`${staging}/journal`, 'not a journal\n')
  const { state, reason, result } = await settle(world)
  expect(state).toBe('partial')
  expect(reason).toContain(world.volume)
  expect(result).toMatchObject({
    locked: [{ volume: world.volume, journal: staging, reason: expect.stringContaining('journal') }],
  })
  expect(readdirSync(`${staging}/old`)).not.toEqual([])
})

test('a lock of a killed run in the increments of another server is removed at the start, or by expire', async () => {
  const world = await shop.plugins()
  const { dir } = await given.repository()
  const store = { driver: 'local', dir } as const
  const settings = { ...world.settings, store, dataDir: `${dir}/daemon` }
  const locks = () => readdirSync(`${dir}/10.0.0.1/repo/locks`)
  await killAndWait(await lockRepositoryInChild(dir, false))
  const [left = ''] = locks()
  const { state, result } = await settle(world, {}, settings)
  expect({ state, swept: result.swept }).toEqual({
    state: 'success',
    swept: [`10.0.0.1/repo/locks/${left}`],
  })
  expect(locks()).toEqual([])

  await killAndWait(await lockRepositoryInChild(dir, false))
  await runPlugin(backupExpirePlugin, settings, { args: { info: [] }, change: {} })
  expect(locks()).toEqual([])
})

test.skipIf(noFlags)(
  `a copy in place is left, or finished when nobody uses the volume (${noFlags ?? 'needs chattr'})`,
  async () => {
    const world = await shop.plugins()
    const { dataDir, volume } = world
    fillOld(volume)
    onTestFinished(() => run('chattr', '-R', '-i', volume))
    run('chattr', '+i', join(volume, 'old only'))
    await recoverUntil({ child: 'copy', dataDir, volume, point: 'writing' })
    const before = contentOf(volume)
    expect(await settle(world, { copiesOf: [] })).toMatchObject({
      state: 'success',
      result: { settled: [], locked: [], copies: [{ volume, rid: RID }] },
    })
    const user = spawn('sleep', ['60'], { cwd: volume })
    onTestFinished(() => void user.kill())
    await once(user, 'spawn')
    expect((await settle(world)).result).toMatchObject({
      settled: [],
      locked: [{ volume, reason: expect.stringMatching(/in use by process .*sleep/) }],
    })
    expect(contentOf(volume)).toEqual(before)
    user.kill()
    await once(user, 'exit')
    const link = join(world.base, 'link')
    symlinkSync(volume, link)
    expect((await settle(world, { copiesOf: [link] })).result).toMatchObject({
      settled: [{ volume, rid: RID, outcome: 'went forward' }],
      copies: [],
    })
  },
)

test('without leftovers nothing is settled', async () => {
  const world = await shop.plugins()
  expect(await settle(world)).toMatchObject({
    state: 'success',
    result: { settled: [], locked: [], swept: [] },
  })
})
