import { expect, test } from 'vitest'
import { type DeleteBackups, deleteBackups } from '../../src/domain/delete-backups.ts'
import type { DeletePlan } from '../../src/domain/delete-plan.ts'
import { deleteSnapshots, planDeleteSnapshots } from '../../src/domain/delete-snapshots.ts'
import { listDeleted, restoreDeleted } from '../../src/domain/deleted-backups.ts'
import { relist } from '../../src/domain/listing.ts'
import { BackupdError } from '../../src/lib/errors.ts'
import { CAPABILITIES } from '../../src/wire/capabilities.ts'
import { sampleBackup, sampleListedSnapshot } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'

const IP = '10.0.0.1'
const FULL = new BackupdError('STORE_FULL', 'no room')
const OLD = ['holds', 'pins']
const hello = given.app('hello').proc('web').on(IP).volume('/data/db').withBackups(1)

async function withDaemon(capabilities: readonly string[]) {
  const { world, daemons } = await hello.daemon(IP, { capabilities: [...capabilities] }).inMemory()
  const settings = { ...world.settings, undoWindowMs: 86_400_000 }
  const { items } = await world.ports.backups.find({}, { first: 1 })
  const name = items[0]?.node.name ?? ''
  const daemon = daemons.at(IP)
  const before = daemon.asked.length
  const remove = (how: Partial<DeleteBackups> = {}) =>
    deleteBackups(
      { ...world, settings },
      { app: 'hello', proc: 'web', names: [name], needsNoPlan: true, ...how },
    )
  const asked = () => daemon.asked.slice(before).filter((what) => ['hide', 'delete'].includes(what))
  return { world, daemon, name, remove, asked }
}

test('a daemon that cannot keep what is deleted deletes only if it may be final', async () => {
  const { world, name, remove, asked } = await withDaemon(OLD)
  const isOld = { refused: 'DAEMON_REFUSED', message: expect.stringContaining('upgrade it') }
  expect(await remove()).toMatchObject({ ...isOld, message: expect.stringContaining('"now: true"') })
  expect(await listDeleted(world, { server: IP, after: null, limit: 10 })).toMatchObject(isOld)
  const named = { app: 'hello', proc: 'web', names: [name], server: IP }
  expect(await restoreDeleted(world, named)).toMatchObject(isOld)
  expect(asked()).toEqual([])
  expect(await world.ports.backups.get(IP, name)).toBeDefined()

  expect(await remove({ allowsFinal: true })).toEqual([name])
  expect(asked()).toEqual(['delete'])
  expect(await world.ports.backups.get(IP, name)).toBeUndefined()
})

test('what is deleted with "now" is not hidden first', async () => {
  for (const capabilities of [OLD, CAPABILITIES]) {
    const { name, remove, asked } = await withDaemon(capabilities)
    expect(await remove({ isFinal: true })).toEqual([name])
    expect(asked()).toEqual(['delete'])
  }
})

test.each([
  ['a store too full to hide anything', FULL],
  ['a daemon that was not asked yet and is older', undefined],
])('in %s, only a delete that may be final takes place', async (_what, failure) => {
  const { world, daemon, name, remove, asked } = await withDaemon(CAPABILITIES)
  if (failure) daemon.refusals.set('hide', failure)
  await expect(remove()).rejects.toMatchObject({ code: failure?.code ?? 'DAEMON_REFUSED' })
  expect(await world.ports.backups.get(IP, name)).toBeDefined()
  expect(asked()).toEqual(['hide'])
  expect(await remove({ allowsFinal: true })).toEqual([name])
  expect(asked()).toEqual(['hide', 'hide', 'delete'])
})

test('no other failure makes a delete final', async () => {
  const { world, daemon, name, remove, asked } = await withDaemon(CAPABILITIES)
  daemon.refusals.set('hide', new BackupdError('STORE_UNAVAILABLE', 'gone'))
  await expect(remove({ allowsFinal: true })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  expect(asked()).toEqual(['hide'])
  expect(await world.ports.backups.get(IP, name)).toBeDefined()
})

test.each([
  [OLD, false, [], 'refused'],
  [OLD, true, ['deleteSnapshots'], 'deleted'],
  [CAPABILITIES, true, ['deleteSnapshots'], 'deleted'],
  [CAPABILITIES, false, ['hideSnapshots'], 'hidden'],
] as const)(
  'snapshots of a daemon with %j, deleted with now: %j, ask %j',
  async (abilities, isFinal, asks, end) => {
    const { world, daemon } = await withDaemon(abilities)
    const series = { snapshots: 2, newest: 'b'.repeat(64), lastGood: null }
    const name = 'hello-hello.web.web-1-data-db'
    daemon.backups = [sampleBackup({ name, mode: 'increment', series })]
    daemon.snapshots = [sampleListedSnapshot(), sampleListedSnapshot({ id: 'c'.repeat(64) })]
    await relist(world, IP, { dryRun: false, fromOthers: false, lane: { wait: (answer) => answer } })
    const before = daemon.asked.length
    const undoable = { ...world, settings: { ...world.settings, undoWindowMs: 86_400_000 } }
    const backup = { app: 'hello', proc: 'web', name }
    daemon.refusals.set('hideSnapshots', FULL)
    const plan = await planDeleteSnapshots(world, { backup, snapshots: ['bbbb'], isFinal })
    const planHash = (plan as DeletePlan).planHash ?? ''
    const ended = deleteSnapshots(undoable, { backup, snapshots: ['bbbb'], isFinal, planHash })
    if (end === 'refused') expect(await ended).toMatchObject({ refused: 'DAEMON_REFUSED' })
    else if (end === 'deleted') expect(await ended).toEqual(['b'.repeat(64)])
    else await expect(ended).rejects.toMatchObject({ code: 'STORE_FULL' })
    expect(daemon.asked.slice(before).filter((what) => what.endsWith('Snapshots'))).toEqual(asks)
  },
)

test('snapshots are restored of one backup only', async () => {
  const { world } = await withDaemon(CAPABILITIES)
  const named = { app: 'hello', proc: 'web', server: IP }
  for (const wrong of [
    { names: ['a', 'b'], snapshots: ['bbbb'] },
    { names: ['a'], snapshots: [] },
  ])
    expect(await restoreDeleted(world, { ...named, ...wrong })).toMatchObject({ refused: 'BAD_INPUT' })
})
