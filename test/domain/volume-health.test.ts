import { expect, test } from 'vitest'
import { acceptNews } from '../../src/domain/accept-news.ts'
import { tick } from '../../src/domain/controller.ts'
import { sleepJob, wakeJob } from '../../src/domain/jobs.ts'
import { readWholeHealth } from '../../src/domain/read-whole-health.ts'
import { stopScheduler } from '../../src/domain/schedulers.ts'
import { asCaller } from '../../src/domain/user-world.ts'
import { readJobHealth, readVolumeHealth } from '../../src/domain/volume-health.ts'
import type { World } from '../../src/domain/world.ts'
import { isoTime } from '../../src/lib/clock.ts'
import type { BackupInfo } from '../../src/wire/backup.ts'
import type { DaemonDebug } from '../../src/wire/daemon-api.ts'
import type { InventorySchedule } from '../../src/wire/inventory.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import type { VolumeVerify } from '../../src/wire/verify-schedule.ts'
import { callerWith } from '../support/callers.ts'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import type { InMemory } from '../support/given/in-memory.ts'
import { given } from '../support/given.ts'
import { machineClocks } from '../support/machine-clocks.ts'
import { tempFolder } from '../support/temp-catalog.ts'

const IP = '10.0.0.1'
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const SOURCE = '/data/lain/volumes/hello/hello.web.web/1/data/db'
const hello = given.app('hello').proc('web').on(IP)

function describeVolume(...schedules: Partial<InventorySchedule>[]) {
  return schedules.reduce((so, schedule) => so.schedule(schedule), hello.volume('/data/db'))
}

/** A full backup each day at 5:00; it is 10:00. */
function daily(debug: Partial<DaemonDebug> = {}) {
  return describeVolume({ spec: '0 5 * * *' }).daemon(IP, { timeZone: 'UTC', ...debug })
}

async function pass(kit: InMemory, ms: number): Promise<void> {
  kit.clock.move(ms)
  await look(kit.world)
}

async function look(world: World): Promise<void> {
  tick(world)
  await world.background.settled()
  tick(world)
  await world.background.settled()
}

function read({ inventory, ...world }: World) {
  const [volume] = inventory.plan.volumes
  if (!volume) throw new Error('there is no volume')
  return readVolumeHealth({ inventory, ...world }, volume)
}

let runs = 100

/** A run that ends now; with a backup if it did not fail. */
async function end(kit: InMemory, changes: Partial<RunRecord> = {}, backup: Partial<BackupInfo> = {}) {
  const { world, clock } = kit
  const [volume] = world.inventory.plan.volumes
  const job = volume?.jobs.find(({ id }) => changes.jobId === undefined || id === changes.jobId)
  if (!job) throw new Error('there is no job')
  const now = isoTime(clock.now())
  const state = changes.state ?? 'success'
  const mode = job.job.args.mode === 'increment' ? 'increment' : 'full'
  const info = sampleBackup({
    name: `run-${++runs}`,
    created: now,
    source: SOURCE,
    sequence: runs,
    state: state as 'success',
    mode,
    ...backup,
  })
  const { id: jobId, spec, action, args } = job.job
  const isMade = ['success', 'partial'].includes(state)
  const made = isMade ? { result: { backup: info } } : {}
  if (isMade) kit.daemons.at(IP).backups.push(info)
  const record = sampleRecord({
    rid: ridOf(runs),
    jobId,
    spec,
    action,
    args,
    start: now,
    end: now,
    ...made,
    ...changes,
    state,
  })
  const news = { protocol: 2 as const, daemonId: 'x', server: IP, records: [record], running: [] }
  // Only a controller calls a run lost.
  if (state === 'lost') await world.ledger.apply([record])
  else await acceptNews(world, news, { from: IP })
  return record
}

test('a volume is unknown until its first backup is due, never without it, and well with it', async () => {
  const kit = await daily().inMemory()
  await look(kit.world)
  expect(read(kit.world)).toMatchObject({
    state: 'UNKNOWN',
    because: 'The first full backup ("0 5 * * *") is planned for 2026-11-24T05:00:00Z',
  })
  await pass(kit, 19 * HOUR + 10 * MINUTE - 1000)
  expect(read(kit.world).state).toBe('UNKNOWN')
  await pass(kit, 1000)
  expect(read(kit.world)).toEqual({
    state: 'NEVER',
    states: ['NEVER', 'OVERDUE'],
    because:
      'No good full backup ("0 5 * * *") exists, although one was planned for 2026-11-24T05:00:00Z, and no run of it has ended',
    since: '2026-11-24T05:10:00.000Z',
  })
  await end(kit)
  expect(read(kit.world)).toEqual({
    state: 'OK',
    states: ['OK'],
    because:
      'The last good full backup ("0 5 * * *") is of 2026-11-24T05:10:00Z, the next is planned for 2026-11-25T05:00:00Z',
    since: '2026-11-24T05:10:00.000Z',
  })
})

test('a backup becomes overdue although the daemon never answers again, also after a restart of the controller', async () => {
  const folder = await tempFolder()
  const kit = await daily({ timeZone: 'America/New_York' }).inMemory({ folder })
  await end(kit)
  await look(kit.world)
  kit.daemons.at(IP).down = true
  // 5:00 in New York is 10:00 UTC.
  await pass(kit, DAY + 9 * MINUTE)
  expect(read(kit.world).state).toBe('OK')
  await pass(kit, MINUTE)
  const overdue = {
    state: 'OVERDUE',
    states: ['OVERDUE'],
    because:
      'The full backup ("0 5 * * *") that was planned for 2026-11-24T10:00:00Z has not ended; its last run succeeded at 2026-11-23T10:00:00Z. The last good one is of 2026-11-23T10:00:00Z, 1 day old. The daemon on 10.0.0.1 last answered at 2026-11-23T10:00:00Z',
    since: '2026-11-24T10:10:00.000Z',
  }
  expect(read(kit.world)).toEqual(overdue)
  await pass(kit, 0)
  const again = await kit.reopen()
  await look(again)
  expect(read(again)).toEqual(overdue)
})

test('a run that takes long is overdue only when it takes longer than usual', async () => {
  const kit = await daily().inMemory()
  for (let day = 0; day < 3; day++) {
    const start = isoTime(kit.clock.now() - 2 * HOUR)
    await end(kit, { start })
    kit.clock.move(DAY)
  }
  const planned = Date.parse('2026-11-26T05:00:00Z')
  await pass(kit, planned + 2 * HOUR - MINUTE - kit.clock.now())
  expect(read(kit.world).state).toBe('OK')
  await pass(kit, MINUTE)
  await pass(kit, MINUTE)
  expect(read(kit.world)).toMatchObject({ state: 'OVERDUE', since: '2026-11-26T07:00:00.000Z' })
})

test('an overdue backup that still runs says so', async () => {
  const kit = await daily().inMemory()
  await end(kit)
  await look(kit.world)
  kit.clock.move(19 * HOUR)
  const record = await end(kit, { state: 'running', end: null })
  kit.daemons.at(IP).records.set(record.rid, record)
  await pass(kit, 2 * HOUR)
  await look(kit.world)
  expect(read(kit.world)).toMatchObject({
    state: 'OVERDUE',
    because: expect.stringContaining('has not ended: a run is active for 2 hours; its last run succeeded at'),
  })
})

test('good increments do not hide a full backup that fails', async () => {
  const full = { spec: '0 5 * * 0' }
  const kit = await describeVolume(full, { spec: '@every 1h', mode: 'increment' })
    .daemon(IP, { timeZone: 'UTC' })
    .inMemory()
  const [one, other] = kit.world.inventory.plan.volumes[0]?.jobs ?? []
  await end(kit, { jobId: one?.id ?? '' })
  await end(kit, { jobId: other?.id ?? '' }, { mode: 'increment' })
  await look(kit.world)
  expect(read(kit.world).state).toBe('OK')
  kit.clock.move(HOUR)
  const error = { code: 'DISK_FULL', message: 'no room', facts: {} }
  await end(kit, { jobId: one?.id ?? '', state: 'failed', reason: 'the store is full', error })
  await end(kit, { jobId: other?.id ?? '' }, { mode: 'increment' })
  expect(read(kit.world)).toMatchObject({
    states: ['FAILING'],
    because:
      'The last full backup ("0 5 * * 0") failed at 2026-11-23T11:00:00Z: the store is full (DISK_FULL). The last good one is of 2026-11-23T10:00:00Z, 1 hour old',
  })
  expect(readJobHealth(kit.world, other?.id ?? '')?.state).toBe('OK')
  expect(readJobHealth(kit.world, '0a000001-expire')).toBeNull()
})

test('a failure stays one while another run is active, and lasts since the first failure', async () => {
  const kit = await daily().inMemory()
  await end(kit, { state: 'failed', reason: 'a' })
  kit.clock.move(HOUR)
  const { jobId } = await end(kit, { state: 'failed', reason: 'b' })
  await end(kit, { state: 'running', end: null, jobId })
  expect(read(kit.world)).toMatchObject({ state: 'FAILING', since: '2026-11-23T10:00:00.000Z' })
  await look(kit.world)
  const again = await kit.reopen()
  await look(again)
  expect(read(again)).toMatchObject({ state: 'FAILING', since: '2026-11-23T10:00:00.000Z' })
  await end(kit)
  expect(read(kit.world).state).toBe('OK')
})

test('a lost run that goes on is no failure', async () => {
  const kit = await daily().inMemory()
  await end(kit)
  const { rid } = await end(kit, { state: 'lost', seq: 1 })
  await look(kit.world)
  expect(read(kit.world).state).toBe('FAILING')
  await end(kit, { rid, state: 'running', end: null, seq: 2 })
  await look(kit.world)
  expect(read(kit.world).state).toBe('OK')
})

test('partial, suspect and corrupt backups are told apart', async () => {
  const kit = await daily().inMemory()
  await end(kit)
  await end(kit, { state: 'partial', reason: 'db/lock could not be read' })
  expect(read(kit.world)).toMatchObject({
    states: ['PARTIAL'],
    because: expect.stringContaining(
      'is partial: db/lock could not be read. The last good one is of 2026-11-23T10:00:00Z',
    ),
  })
  await end(kit, { state: 'partial' }, { suspect: 'the volume is empty' })
  expect(read(kit.world)).toMatchObject({
    states: ['SUSPECT'],
    because: expect.stringContaining('is suspect: the volume is empty'),
  })
  const corrupt = sampleBackup({ name: 'corrupt', source: SOURCE, sequence: 9999, corrupt: 'sha256 differs' })
  kit.daemons.at(IP).backups = [corrupt]
  const server = kit.world.servers.get(IP)
  if (server) server.listingStale = true
  await pass(kit, MINUTE)
  await look(kit.world)
  expect(read(kit.world)).toMatchObject({
    state: 'CORRUPT',
    because: expect.stringContaining('is corrupt: sha256 differs. No good full backup exists'),
  })
})

/** Backups are made each day, and shall have a proof that is not older than two days. */
async function verified(verify: VolumeVerify = { withinDays: 2 }, debug: Partial<DaemonDebug> = {}) {
  const capabilities = ['failures', 'verify-schedule']
  const volume = hello.volume('/data/db', { verify }).schedule({ spec: '0 5 * * *' })
  const folder = await tempFolder()
  const kit = await volume.daemon(IP, { timeZone: 'UTC', capabilities, ...debug }).inMemory({ folder })
  await end(kit)
  await look(kit.world)
  return kit
}

async function verify(kit: InMemory): Promise<void> {
  const at = isoTime(kit.clock.now())
  const backup = kit.daemons.at(IP).backups.at(-1)
  if (!backup) throw new Error('there is no backup')
  const proof = { at, rid: ridOf(++runs), method: 'hash', share: 1 } as const
  const result = { backup: { ...backup, verified: at, proof } }
  const args = { app: 'hello', proc: 'hello.web.web', backup: backup.name, namespace: IP }
  const state = 'success'
  const record = sampleRecord({
    rid: proof.rid,
    jobId: '',
    spec: '',
    action: 'backup_verify',
    args,
    state,
    start: at,
    end: at,
    result,
  })
  const news = { protocol: 2 as const, daemonId: 'x', server: IP, records: [record], running: [] }
  await acceptNews(kit.world, news, { from: IP })
  await look(kit.world)
}

test('the sentence of health counts the proven volumes that the caller may see', async () => {
  const kit = await verified()
  await verify(kit)
  const summarize = async (app: string) =>
    (await readWholeHealth(asCaller(kit.world, callerWith('viewer', [app])))).summary
  expect(await summarize('hello')).toContain('1 is proven restorable')
  expect(await summarize('other')).not.toContain('proven restorable')
})

test('a volume is unproven if no good backup has a proof within the time, also after a restart, until one has', async () => {
  const kit = await verified()
  const summary = async () => (await readWholeHealth(kit.world)).summary
  expect(await summary()).toContain(
    'The only volume has a good backup within its schedule; none is proven restorable yet',
  )
  await pass(kit, DAY)
  await end(kit)
  await pass(kit, DAY - 1000)
  await end(kit)
  expect(read(kit.world).state).toBe('OK')
  await pass(kit, MINUTE)
  const since = '2026-11-25T10:00:00.000Z'
  expect(read(kit.world)).toMatchObject({
    states: ['UNPROVEN'],
    since,
    because:
      'No good full backup ("0 5 * * *") was proven restorable since 2026-11-25T10:00:00Z, when a proof was due: none was ever proven. The last good one is of 2026-11-25T09:59:59Z, 1 minute old',
  })
  expect(await summary()).toContain(
    'Of 1 volume, 1 lacks a recent proof; 1 has a good backup within its schedule; none',
  )
  await verify(kit)
  expect(read(kit.world).state).toBe('OK')
  expect(await summary()).toContain('within its schedule; 1 is proven restorable')
  for (let day = 0; day < 2; day++) {
    await pass(kit, DAY)
    await end(kit)
  }
  expect(read(kit.world)).toMatchObject({
    states: ['UNPROVEN'],
    because: expect.stringContaining('the last proof is of 2026-11-25T10:00:59Z'),
  })
  const again = await kit.reopen()
  await look(again)
  expect(read(again).states).toEqual(['UNPROVEN'])
})

const SPACE = { freeBytes: null, totalBytes: null, error: null }

test.each<[string, Parameters<typeof verified>]>([
  ['whose verification is off', ['off']],
  ['of a daemon that is older', [undefined, { capabilities: ['failures'] }]],
  ['on S3 without a budget', [undefined, { store: { driver: 's3', ...SPACE } }]],
])('a volume %s is not unproven', async (_title, args) => {
  const kit = await verified(...args)
  for (let day = 0; day < 4; day++) {
    await pass(kit, DAY)
    await end(kit)
  }
  expect(read(kit.world).states).toEqual(['OK'])
})

test('a volume on S3 with a budget is unproven', async () => {
  const kit = await verified({ withinDays: 2, budgetBytes: 1e9 }, { store: { driver: 's3', ...SPACE } })
  await pass(kit, 3 * DAY)
  await end(kit)
  expect(read(kit.world).states).toEqual(['UNPROVEN'])
})

test('a sleeping job is paused and not overdue; after its wake, planned times count again', async () => {
  const kit = await daily().inMemory()
  await end(kit)
  await look(kit.world)
  const [job] = kit.world.inventory.plan.volumes[0]?.jobs ?? []
  await sleepJob(kit.world, { id: job?.id ?? '' })
  expect(read(kit.world)).toMatchObject({ states: ['PAUSED'], since: '2026-11-23T10:00:00.000Z' })
  await pass(kit, 6 * DAY)
  expect(read(kit.world).states).toEqual(['PAUSED'])
  expect(kit.world.problems.listAbout(IP)).toEqual([])
  await pass(kit, DAY + MINUTE)
  expect(kit.world.problems.listAbout(IP)).toMatchObject([
    { text: expect.stringContaining('Jobs are paused for more than 7 days: "0 5 * * *" of /data/db') },
  ])
  await wakeJob(kit.world, { id: job?.id ?? '' })
  expect(read(kit.world).state).toBe('OK')
  await pass(kit, 20 * HOUR)
  expect(read(kit.world).state).toBe('OVERDUE')
  expect(kit.world.problems.listAbout(IP)).toEqual([])
})

test('a stopped scheduler pauses all jobs of its server', async () => {
  const kit = await daily().inMemory()
  await end(kit)
  await stopScheduler(kit.world, IP)
  await look(kit.world)
  expect(read(kit.world).states).toEqual(['PAUSED'])
})

test('an edited schedule counts from the edit, and does not hide what was wrong', async () => {
  const kit = await daily().inMemory()
  await end(kit)
  await pass(kit, 0)
  await end(kit, { state: 'failed', reason: 'a' })
  kit.clock.move(HOUR)
  await kit.take(describeVolume({ spec: '30 11 * * *' }).inventory())
  await look(kit.world)
  expect(read(kit.world)).toMatchObject({ state: 'FAILING', since: '2026-11-23T10:00:00.000Z' })
  await pass(kit, 39 * MINUTE)
  expect(read(kit.world).states).toEqual(['FAILING'])
  await pass(kit, MINUTE)
  await look(kit.world)
  expect(read(kit.world).states).toEqual(['OVERDUE', 'FAILING'])
  const again = await kit.reopen()
  await look(again)
  expect(read(again)).toMatchObject({ states: ['OVERDUE', 'FAILING'] })
})

test('an edit of something else than the schedule does not make an overdue backup wait', async () => {
  const kit = await daily().inMemory()
  await end(kit)
  await pass(kit, DAY)
  expect(read(kit.world).state).toBe('OVERDUE')
  await kit.take(describeVolume({ spec: '0 5 * * *', preRun: 'x.sh' }).inventory())
  await look(kit.world)
  expect(read(kit.world)).toMatchObject({ state: 'OVERDUE', since: '2026-11-24T05:10:00.000Z' })
})

test('while the clock of the controller is in doubt, no backup becomes overdue', async () => {
  const machine = machineClocks(Date.parse('2026-11-23T10:00:00Z'))
  const trustedClock = machine.start()
  const kit = await daily().inMemory({ clock: machine.clock, trustedClock })
  await end({ ...kit, clock: { ...kit.clock, now: machine.clock.now } })
  await look(kit.world)
  machine.jump(3 * DAY)
  machine.run(trustedClock, 10_000)
  await look(kit.world)
  expect(read(kit.world).state).toBe('OK')
  expect(kit.world.problems.list().filter(({ source }) => source === 'clock')).toHaveLength(1)
  machine.jump(-3 * DAY)
  machine.run(trustedClock, 10_000)
  machine.run(trustedClock, 20 * HOUR)
  await look(kit.world)
  expect(read(kit.world).state).toBe('OVERDUE')
})

test('the clock of a daemon that is hours wrong does not make its backups overdue', async () => {
  const behind = -5 * HOUR
  const kit = await describeVolume({ spec: '@every 1h' }).inMemory()
  kit.daemons.at(IP).debug.clock = { now: kit.clock.now() + behind, boot: 'b', inDoubt: true }
  await pass(kit, MINUTE)
  for (let hour = 0; hour < 4; hour++) {
    kit.daemons.at(IP).debug.clock = { now: kit.clock.now() + behind, boot: 'b', inDoubt: true }
    await pass(kit, HOUR)
    const end_ = isoTime(kit.clock.now() + behind)
    await end(kit, { start: end_, end: end_ })
    await look(kit.world)
    expect(read(kit.world).state).toBe('OK')
  }
})

test('a volume that leaves the inventory is forgotten', async () => {
  const kit = await hello.volumes('/data/db', '/logs').daemon(IP, { timeZone: 'UTC' }).inMemory()
  await look(kit.world)
  const [job] = kit.jobIds()
  expect(await kit.catalog.health.load([job ?? ''])).toHaveLength(1)
  await kit.take(hello.volume('/logs').inventory())
  await look(kit.world)
  expect(await kit.catalog.health.load([job ?? ''])).toEqual([])
  expect(kit.world.health.findJob(job ?? '')).toBeUndefined()
})
