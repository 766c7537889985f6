import { expect, test } from 'vitest'
import { acceptLegacyRecord, acceptNews } from '../../src/domain/accept-news.ts'
import { tick } from '../../src/domain/controller.ts'
import { LOST_AFTER_MS, SILENT_AFTER_MS } from '../../src/domain/lost-records.ts'
import { cancelRecord, getRecord } from '../../src/domain/records.ts'
import { NEVER } from '../../src/lib/clock.ts'
import type { News } from '../../src/wire/daemon-api.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { ridOf, sampleBackup, sampleProgress, sampleRecord } from '../support/catalog-samples.ts'
import type { InMemory } from '../support/given/in-memory.ts'
import { given } from '../support/given.ts'
import { MemoryDaemon } from '../support/memory-daemons.ts'

const hello = given.app('hello').proc('web')

const IP = '10.0.0.1'
const RID = ridOf(1)

async function oneServer() {
  const kit = await hello.on(IP).volume('/data/db').inMemory()
  const daemon = kit.daemons.at(IP)
  return { ...kit, daemon }
}

function news(records: RunRecord[], running: string[] = []): News {
  return { protocol: 2, daemonId: 'x', server: IP, records, running }
}

async function after({ world, clock }: InMemory, ms: number): Promise<void> {
  clock.move(ms)
  tick(world)
  await world.background.settled()
}

const started = sampleRecord()
const ended = sampleRecord({
  seq: 9,
  state: 'success',
  end: '2026-11-23T08:45:00Z',
  result: { backup: sampleBackup() },
})

test.for([
  { what: 'in order', told: [[started], [ended]] },
  { what: 'twice', told: [[started], [started], [ended], [ended]] },
  { what: 'the end first', told: [[ended], [started]] },
  {
    what: 'late progress',
    told: [[started], [ended], [{ ...started, seq: 5, progress: sampleProgress(7) }]],
  },
  { what: 'all at once', told: [[started, ended]] },
])('news $what gives the same record and the same backups', async ({ told }) => {
  const { world, catalog } = await oneServer()
  for (const records of told) await acceptNews(world, news(records), { from: IP })
  expect(await getRecord(world, RID)).toMatchObject({ state: 'success', seq: 9 })
  expect((await catalog.backups.count({})).count).toBe(1)
})

test('progress is known at once and is not stored as a change of state', async () => {
  const { world, catalog } = await oneServer()
  await acceptNews(world, news([started]), { from: IP })
  await acceptNews(world, news([{ ...started, seq: 2, progress: sampleProgress(500) }]), { from: IP })
  expect((await getRecord(world, RID))?.progress?.bytesDone).toBe(500)
  expect(await catalog.records.eventsSince(0, { rid: RID }, 10)).toHaveLength(1)
})

test('a scheduled run of the expire job gets the id of that job', async () => {
  const { world } = await oneServer()
  const expire = { ...started, jobId: '', action: 'backup_expire', args: { info: [] } }
  await acceptNews(world, news([expire]), { from: IP })
  expect((await getRecord(world, RID))?.jobId).toBe('0a000001-expire')
})

test('a heartbeat keeps a silent run alive', async () => {
  const kit = await oneServer()
  await acceptNews(kit.world, news([started]), { from: IP })
  await after(kit, SILENT_AFTER_MS)
  await acceptNews(kit.world, news([], [RID]), { from: IP })
  await after(kit, SILENT_AFTER_MS)
  expect(kit.daemon.asked).not.toContain('record')
})

test('the debug answer counts as a heartbeat', async () => {
  const kit = await oneServer()
  await acceptNews(kit.world, news([started]), { from: IP })
  kit.daemon.debug.running = [RID]
  for (let at = 0; at < 4; at++) await after(kit, 31_000)
  expect(kit.daemon.asked).not.toContain('record')
})

test('the answer of a daemon about a silent run is used', async () => {
  const kit = await oneServer()
  await acceptNews(kit.world, news([started]), { from: IP })
  kit.daemon.records.set(RID, ended)
  await after(kit, SILENT_AFTER_MS + 1)
  expect(await getRecord(kit.world, RID)).toMatchObject({ state: 'success' })
})

test('a run that its daemon does not know is lost, until a later report replaces that', async () => {
  const kit = await oneServer()
  await acceptNews(kit.world, news([started]), { from: IP })
  await after(kit, SILENT_AFTER_MS + 1)
  expect(await getRecord(kit.world, RID)).toMatchObject({
    state: 'lost',
    reason: 'The daemon on 10.0.0.1 knows nothing of this run',
  })
  await acceptNews(kit.world, news([ended]), { from: IP })
  expect(await getRecord(kit.world, RID)).toMatchObject({ state: 'success' })
})

test('a lost run that its daemon reports as running is alive again, also without progress', async () => {
  const kit = await oneServer()
  await acceptNews(kit.world, news([started]), { from: IP })
  kit.daemon.down = true
  await after(kit, LOST_AFTER_MS)
  expect(await getRecord(kit.world, RID)).toMatchObject({ state: 'lost' })
  Object.assign(kit.daemon, { down: false, records: new Map([[RID, started]]) })
  kit.daemon.debug.running = [RID]
  await after(kit, 31_000)
  expect(await getRecord(kit.world, RID)).toMatchObject({ state: 'running', reason: '' })
  expect(kit.world.problems.list()).toEqual([])
  const answer = await cancelRecord(kit.world, RID)
  expect(answer).not.toHaveProperty('code')
  expect(kit.daemon.asked).toContain('cancel')
})

test('a run is not revived by another server that names it', async () => {
  const kit = await oneServer()
  await acceptNews(kit.world, news([started]), { from: IP })
  await after(kit, SILENT_AFTER_MS + 1)
  const other = kit.daemons.add(new MemoryDaemon('10.0.0.2', { running: [RID] }))
  other.records.set(RID, { ...started, server: '10.0.0.2' })
  await kit.take(hello.on(IP, '10.0.0.2').volume('/data/db').inventory())
  await after(kit, 31_000)
  expect(await getRecord(kit.world, RID)).toMatchObject({ state: 'lost', server: IP })
  expect(other.asked).not.toContain('record')
})

test('a run that ended is not revived, whatever its daemon reports as running', async () => {
  const kit = await oneServer()
  await acceptNews(kit.world, news([started, ended]), { from: IP })
  kit.daemon.records.set(RID, started)
  kit.daemon.debug.running = [RID]
  await after(kit, 31_000)
  expect(kit.daemon.asked).not.toContain('record')
  expect(await getRecord(kit.world, RID)).toMatchObject({ state: 'success' })
})

test('an unknown run that a daemon reports as running is learned from it, but only one of its own', async () => {
  const kit = await oneServer()
  const foreign = ridOf(2)
  kit.daemon.records.set(RID, started)
  kit.daemon.records.set(foreign, { ...started, rid: foreign, server: '10.0.0.2', jobId: '' })
  kit.daemon.debug.running = [foreign, RID]
  await after(kit, 31_000)
  expect(await getRecord(kit.world, RID)).toMatchObject({ state: 'running' })
  expect(await getRecord(kit.world, foreign)).toBeFalsy()
})

test('a run whose daemon cannot be reached is lost after five minutes, not before', async () => {
  const kit = await oneServer()
  await acceptNews(kit.world, news([started]), { from: IP })
  kit.daemon.down = true
  await after(kit, LOST_AFTER_MS - 1000)
  expect(await getRecord(kit.world, RID)).toMatchObject({ state: 'running' })
  await after(kit, 1000)
  expect(await getRecord(kit.world, RID)).toMatchObject({
    state: 'lost',
    reason: 'No report for 300 s: Cannot reach the daemon on 10.0.0.1',
  })
})

test('a daemon that does not answer is asked about one silent run, not about each', async () => {
  const kit = await oneServer()
  const runs = [1, 2, 3].map((n) => sampleRecord({ rid: ridOf(n) }))
  await acceptNews(kit.world, news(runs), { from: IP })
  kit.daemon.down = true
  await after(kit, SILENT_AFTER_MS + 1)
  expect(kit.daemon.asked.filter((question) => question === 'record')).toHaveLength(1)
  kit.daemon.down = false
  await after(kit, 1000)
  for (const { rid } of runs) expect(await getRecord(kit.world, rid)).toMatchObject({ state: 'lost' })
})

test('a daemon cannot report its own run as lost', async () => {
  const kit = await oneServer()
  await acceptNews(kit.world, news([started, { ...started, seq: 2, state: 'lost' }]), { from: IP })
  expect(await getRecord(kit.world, RID)).toMatchObject({ state: 'running' })
  expect(kit.world.problems.list()).toMatchObject([
    { source: 'set aside', text: expect.stringContaining('only a controller calls a run lost') },
  ])
})

test('a restarted controller asks about runs that had not ended', async () => {
  const kit = await oneServer()
  await acceptNews(kit.world, news([started]), { from: IP })
  const again = await kit.reopen()
  kit.daemon.records.set(RID, ended)
  await after({ ...kit, world: again }, SILENT_AFTER_MS + 1)
  expect(await getRecord(again, RID)).toMatchObject({ state: 'success' })
})

test('a legacy daemon reports a run in two posts, in either order, and its backup is listed', async () => {
  const { world, daemon, catalog } = await oneServer()
  const legacy = {
    id: '0a000001aaaa',
    spec: '0 5 * * *',
    action: 'backup',
    args: started.args,
    type: 'cron',
    sleep: false,
    rid: RID,
    result: null,
    state: 'running',
    start: started.start,
    end: NEVER,
    reason: '',
  }
  const end = {
    ...legacy,
    state: 'success',
    end: '2026-11-23T08:44:56.799Z',
    result: { file: 'f.tar.gz', size: 342 },
  }
  daemon.backups = [sampleBackup()]
  for (const post of [end, legacy]) await acceptLegacyRecord(world, post, { from: IP })
  await world.background.settled()
  expect(await getRecord(world, RID)).toMatchObject({
    state: 'success',
    server: IP,
    result: { file: 'f.tar.gz', size: 342 },
  })
  expect((await catalog.backups.count({})).count).toBe(1)
})

test('a running run is cancelled by its daemon, an ended one is not', async () => {
  const { world, daemon } = await oneServer()
  await acceptNews(world, news([started]), { from: IP })
  daemon.records.set(RID, started)
  expect(await cancelRecord(world, RID)).toMatchObject({ state: 'cancelled' })
  expect(await cancelRecord(world, RID)).toMatchObject({
    refused: 'CONFLICT',
    message: `Record ${RID} cannot be cancelled: it has ended already (cancelled)`,
  })
  expect(await cancelRecord(world, ridOf(7))).toMatchObject({ refused: 'NOT_FOUND' })
})

test('a legacy daemon that restarted, or was unreachable for five minutes, has lost its run', async () => {
  for (const [what, reason] of [
    ['restart', 'The daemon on 10.0.0.1 was restarted while this ran'],
    ['down', 'The daemon on 10.0.0.1 has not been reached since 2026-11-23T10:01:00.000Z'],
  ] as const) {
    const kit = await hello.on(IP).volume('/data/db').daemon(IP, { protocol: undefined }).inMemory()
    const daemon = kit.daemons.at(IP)
    await acceptNews(kit.world, news([started]), { from: IP })
    await after(kit, 30_000)
    if (what === 'restart') daemon.restart('2026-11-23T10:00:30Z')
    else daemon.down = true
    await after(kit, 30_000)
    expect(await getRecord(kit.world, RID)).toMatchObject({ state: 'running' })
    for (let at = 0; at < 11; at++) await after(kit, 30_000)
    expect(await getRecord(kit.world, RID)).toMatchObject({ state: 'lost', reason })
    expect(daemon.asked).not.toContain('record')
  }
})

async function legacyServer() {
  const kit = await hello.on(IP).volume('/data/db').daemon(IP, { protocol: undefined }).inMemory()
  const daemon = kit.daemons.at(IP)
  const state = async () => (await getRecord(kit.world, RID))?.state
  return { ...kit, daemon, state }
}

test('a legacy daemon that says that something runs has lost nothing, for hours', async () => {
  const kit = await legacyServer()
  kit.daemon.debug.running_tasks = 1
  await acceptNews(kit.world, news([started]), { from: IP })
  for (let at = 0; at < 20; at++) await after(kit, 10 * 60_000)
  expect(await kit.state()).toBe('running')
})

test('a legacy daemon that is idle for five minutes without reporting the end has lost its run, until it reports it', async () => {
  const kit = await legacyServer()
  kit.daemon.debug.running_tasks = 1
  await acceptNews(kit.world, news([started]), { from: IP })
  await after(kit, 60 * 60_000)
  kit.daemon.debug.running_tasks = 0
  for (let at = 0; at < 10; at++) await after(kit, 30_000)
  expect(await kit.state()).toBe('running')
  for (let at = 0; at < 3; at++) await after(kit, 30_000)
  expect(await getRecord(kit.world, RID)).toMatchObject({
    state: 'lost',
    reason: expect.stringContaining(
      'reports that nothing is running, but never reported the end of this run',
    ),
  })
  await acceptNews(kit.world, news([{ ...ended, seq: 2 }]), { from: IP })
  expect(await kit.state()).toBe('success')
})

test('a legacy daemon that was idle for long has not lost a run that it reported since', async () => {
  const kit = await legacyServer()
  for (let at = 0; at < 12; at++) await after(kit, 30_000)
  await acceptNews(kit.world, news([{ ...started, start: '2026-11-23T10:06:00Z' }]), { from: IP })
  for (let at = 0; at < 4; at++) await after(kit, 30_000)
  expect(await kit.state()).toBe('running')
})

test('a run on a legacy daemon whose clock is ahead does not count as started before the restart', async () => {
  const kit = await legacyServer()
  kit.daemon.restart('2026-11-23T09:23:59Z')
  const asked = { ...started, rid: `1795425840${'b'.repeat(32)}`, seq: 0, state: 'queued' as const }
  await acceptNews(kit.world, news([asked]), { from: IP })
  for (let at = 0; at < 3; at++) await after(kit, 30_000)
  expect(await getRecord(kit.world, asked.rid)).toMatchObject({ state: 'queued' })
})

test('a starting controller finds out whether a daemon is a legacy one before it asks about runs', async () => {
  const kit = await legacyServer()
  kit.daemon.debug.running_tasks = 1
  await acceptNews(kit.world, news([started]), { from: IP })
  const again = await kit.reopen()
  await after({ ...kit, world: again }, SILENT_AFTER_MS + 1)
  expect(await getRecord(again, RID)).toMatchObject({ state: 'running' })
  expect(kit.daemon.asked).not.toContain('record')
})

test('only a change of state makes the schedule stale', async () => {
  const kit = await oneServer()
  const reads = () => kit.daemon.asked.filter((question) => question === 'jobs').length
  const before = reads()
  await acceptNews(kit.world, news([started]), { from: IP })
  await after(kit, 1500)
  expect(reads()).toBe(before + 1)
  await acceptNews(kit.world, news([{ ...started, seq: 2, progress: sampleProgress(1) }]), { from: IP })
  await after(kit, 1500)
  expect(reads()).toBe(before + 1)
})
