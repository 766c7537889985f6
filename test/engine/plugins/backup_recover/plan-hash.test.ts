import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { snapshotsDeletePlugin } from '../../../../src/engine/plugins/snapshots_delete/plugin.ts'
import { given } from '../../../support/given.ts'
import { SERVER } from '../../../support/plugin-args.ts'
import { runPlugin } from '../../../support/run-plugin.ts'

const shop = given.app('shop').proc('web').volume('/data/db')
const NAME = 'shop-shop.web.web-1-data-db'

/** An increment of two files and a folder; since then one more file was made. */
async function makePlanned() {
  const world = await shop.plugins()
  const { volume, backUp, recover } = world
  mkdirSync(join(volume, 'dir'), { recursive: true })
  for (const path of ['log', 'dir/kept', 'lost']) writeFileSync(join(volume, path), 'first')
  const { result } = await backUp({ mode: 'increment' })
  rmSync(join(volume, 'lost'))
  writeFileSync(join(volume, 'dir/since'), 'since')
  const plan = async (more: object = {}) => {
    const { result } = await recover(NAME, { plan: true, ...more })
    return result.plan?.planHash ?? ''
  }
  const read = (path: string) => readFileSync(join(volume, path), 'utf8')
  return { ...world, plan, read, snapshot: String(result.snapshot) }
}

test('a recover that quotes its plan does what the plan said, whatever was written to the files since', async () => {
  const { recover, plan, volume, read } = await makePlanned()
  const planHash = await plan()
  expect(planHash).toMatch(/^[0-9a-f]{96}$/)
  writeFileSync(join(volume, 'log'), 'written after the plan')
  writeFileSync(join(volume, 'dir/since'), 'longer than before')
  expect(await plan()).toBe(planHash)
  expect(await recover(NAME, { planHash })).toMatchObject({ state: 'success', warnings: [] })
  expect([read('log'), existsSync(join(volume, 'dir/since'))]).toEqual(['first', false])
})

test('a plan is stale if other paths would be deleted or replaced: they are named, and nothing is changed', async () => {
  const { recover, plan, volume, read } = await makePlanned()
  const planHash = await plan()
  rmSync(join(volume, 'dir/since'))
  for (const path of ['dir/kept.new', 'lost']) writeFileSync(join(volume, path), 'x')
  await expect(recover(NAME, { planHash })).rejects.toMatchObject({
    code: 'PLAN_STALE',
    message: expect.stringContaining(
      'the plan is stale: it would now also delete "dir/kept.new"; it would now also replace "lost"; it would no longer delete or replace "dir/since". Nothing was changed',
    ),
    facts: { alsoDelete: ['dir/kept.new'], alsoReplace: ['lost'], noLonger: ['dir/since'] },
  })
  expect([read('lost'), read('dir/kept.new')]).toEqual(['x', 'x'])
  expect(await recover(NAME, { planHash: await plan() })).toMatchObject({ state: 'success' })
})

test('a plan is stale for another snapshot, other files and another target', async () => {
  const { recover, plan, backUp, volumeRoot } = await makePlanned()
  const planHash = await plan()
  const stale = (part: string) => ({ code: 'PLAN_STALE', facts: { changed: [part] } })
  const elsewhere = { planHash, destDir: join(volumeRoot, 'other') }
  await expect(recover(NAME, elsewhere)).rejects.toMatchObject(stale('target'))
  await expect(recover(NAME, { planHash, files: ['log'] })).rejects.toMatchObject(stale('files'))
  await backUp({ mode: 'increment' })
  await expect(recover(NAME, { planHash })).rejects.toMatchObject(stale('snapshot'))
})

test('a plan of single files counts only what they would replace', async () => {
  const { recover, plan, volume, read } = await makePlanned()
  const planHash = await plan({ files: ['log', 'lost'] })
  writeFileSync(join(volume, 'log'), 'changed')
  writeFileSync(join(volume, 'beside'), 'new')
  expect(await recover(NAME, { planHash, files: ['lost', 'log'] })).toMatchObject({ state: 'success' })
  expect([read('log'), read('beside')]).toEqual(['first', 'new'])
  const stale = { code: 'PLAN_STALE', facts: { alsoReplace: ['lost'] } }
  await expect(recover(NAME, { planHash, files: ['log', 'lost'] })).rejects.toMatchObject(stale)
})

test('a plan is stale if its snapshot was deleted', async () => {
  const { recover, plan, settings, snapshot, backUp } = await makePlanned()
  const planHash = await plan({ snapshot })
  await backUp({ mode: 'increment' })
  await runPlugin(snapshotsDeletePlugin, settings, {
    args: { namespace: SERVER, name: NAME, snapshots: [snapshot] },
  })
  const gone = recover(NAME, { planHash, snapshot })
  await expect(gone).rejects.toMatchObject({ code: 'PLAN_STALE', facts: { changed: ['backup'] } })
})

test('a plan that the daemon has forgotten is compared all the same, without names', async () => {
  const { recover, plan, volume, settings } = await makePlanned()
  const planHash = await plan()
  rmSync(join(settings.dataDir, 'plans'), { recursive: true })
  writeFileSync(join(volume, 'new'), '')
  const stale = expect.stringContaining('this daemon does not remember the plan')
  await expect(recover(NAME, { planHash })).rejects.toMatchObject({ code: 'PLAN_STALE', message: stale })
  rmSync(join(volume, 'new'))
  expect(await recover(NAME, { planHash })).toMatchObject({ state: 'success' })
})

test('of a large volume, a daemon remembers the first paths of a plan, and compares all', async () => {
  const { recover, plan, volume, settings } = await makePlanned()
  mkdirSync(join(volume, 'many'))
  for (let n = 0; n < 10_050; n++) writeFileSync(join(volume, `many/${String(n).padStart(5, '0')}`), '')
  const planHash = await plan()
  const kept = JSON.parse(readFileSync(join(settings.dataDir, 'plans', `${planHash}.json`), 'utf8'))
  expect([kept.isComplete, kept.paths.length]).toEqual([false, 10_000])
  renameSync(join(volume, 'many/10049'), join(volume, 'many/99999'))
  const beyond = { code: 'PLAN_STALE', message: expect.stringContaining('not among its first 10,000') }
  await expect(recover(NAME, { planHash })).rejects.toMatchObject(beyond)
  for (let n = 0; n < 20; n++) rmSync(join(volume, `many/${String(n).padStart(5, '0')}`))
  const many = expect.stringMatching(/it would no longer delete or replace "many\/00000".* and 8 more\. /)
  await expect(recover(NAME, { planHash })).rejects.toMatchObject({ message: many })
})

test('the oldest plans are forgotten', async () => {
  const { plan, volume, settings } = await makePlanned()
  for (let n = 0; n < 103; n++) {
    writeFileSync(join(volume, `file-${n}`), '')
    await plan()
  }
  expect(readdirSync(join(settings.dataDir, 'plans'))).toHaveLength(100)
})

test('a recover of a full backup quotes its plan as well', async () => {
  const { recover, backUp, volume } = await makePlanned()
  const { result } = await backUp({ mode: 'full' })
  const name = result.backup?.name ?? ''
  const planHash = (await recover(name, { plan: true })).result.plan?.planHash
  writeFileSync(join(volume, 'new'), '')
  const stale = { code: 'PLAN_STALE', facts: { alsoDelete: ['new'] } }
  await expect(recover(name, { planHash })).rejects.toMatchObject(stale)
  rmSync(join(volume, 'new'))
  expect(await recover(name, { planHash })).toMatchObject({ state: 'success' })
})
