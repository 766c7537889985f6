import { expect, test } from 'vitest'
import { acceptNews } from '../../src/domain/accept-news.ts'
import { runJob, sleepJob, wakeJob } from '../../src/domain/jobs.ts'
import { getRecord } from '../../src/domain/records.ts'
import { startScheduler, stopScheduler } from '../../src/domain/schedulers.ts'
import { listServerProblems } from '../../src/domain/server-state.ts'
import { BackupdError } from '../../src/lib/errors.ts'
import { RID_PATTERN } from '../../src/wire/ids.ts'
import { given } from '../support/given.ts'
import { unreachable } from '../support/memory-daemons.ts'

const hello = given.app('hello').proc('web')

const IP = '10.0.0.1'

async function oneServer(changes = {}) {
  const kit = await hello.on(IP).volume('/data/db').daemon(IP, changes).inMemory()
  const daemon = kit.daemons.at(IP)
  const audits: object[] = []
  const write = kit.world.ports.audit.write
  kit.world.ports.audit.write = (entry) => {
    audits.push(entry)
    return write(entry)
  }
  const [id = '', expireId = ''] = kit.jobIds()
  const onlyRecord = async () =>
    (await kit.catalog.records.find({}, { first: 2 })).items.map(({ node }) => node)
  return { ...kit, daemon, audits, id, expireId, onlyRecord }
}

test('a run is in the catalog before its daemon is asked, with the rid that the daemon gets', async () => {
  const { world, daemon, id, onlyRecord, audits } = await oneServer()
  const { promise, resolve } = Promise.withResolvers<void>()
  daemon.hang = promise
  const running = runJob(world, { id })
  await expect.poll(() => daemon.asked.at(-1)).toBe('run')
  expect(await onlyRecord()).toMatchObject([{ state: 'queued', action: 'backup', jobId: id, server: IP }])
  resolve()
  const record = await running
  expect(record).toMatchObject({ state: 'queued', rid: expect.stringMatching(RID_PATTERN) })
  const asked = { who: 'test', verb: 'runJob' }
  expect(audits).toMatchObject([
    { ...asked, facts: { id }, outcome: 'begun' },
    { ...asked, begin: expect.any(Number), outcome: 'done' },
  ])
})

test('reread is passed on to the daemon and written to the audit', async () => {
  const { world, daemon, id, audits } = await oneServer()
  await runJob(world, { id, reread: true })
  expect(daemon.asked).toContain('run reread')
  expect(audits[0]).toMatchObject({ verb: 'runJob', facts: { id, reread: true } })
})

test('a refused run is stored as failed with the text of the daemon', async () => {
  const { world, daemon, id, onlyRecord, audits } = await oneServer()
  daemon.refusal = new BackupdError('CONFLICT', 'the volume is locked', { facts: { volume: '/data/db' } })
  await expect(runJob(world, { id })).rejects.toMatchObject({ code: 'CONFLICT' })
  expect(await onlyRecord()).toMatchObject([
    {
      state: 'failed',
      reason: 'the volume is locked',
      error: { code: 'CONFLICT', facts: { volume: '/data/db' } },
    },
  ])
  expect(audits.slice(1)).toMatchObject([{ outcome: 'failed: CONFLICT the volume is locked' }])
})

test.for([unreachable(IP), new BackupdError('TIMED_OUT', 'the daemon was late')])(
  'a run without a clear answer of its daemon is lost until a later report: $code',
  async (refusal) => {
    const { world, daemon, id, onlyRecord } = await oneServer()
    daemon.refusal = refusal
    await expect(runJob(world, { id })).rejects.toMatchObject({ code: refusal.code })
    const [lost] = await onlyRecord()
    expect(lost).toMatchObject({ state: 'lost', error: { code: refusal.code } })
    if (!lost) return
    const began = { ...lost, seq: 1, state: 'running' as const, end: null, error: null }
    await acceptNews(
      world,
      { protocol: 2, daemonId: 'x', server: IP, records: [began], running: [] },
      { from: IP },
    )
    expect(await getRecord(world, lost.rid)).toMatchObject({ state: 'running' })
  },
)

test('a legacy daemon runs it under its own rid', async () => {
  const { world, id, onlyRecord } = await oneServer({ protocol: undefined })
  await runJob(world, { id })
  expect(await onlyRecord()).toMatchObject([{ rid: `1795425846${'b'.repeat(32)}`, state: 'queued' }])
})

test('an unknown job and an expire job are refused, and no daemon is asked', async () => {
  const { world, daemon, expireId, audits } = await oneServer()
  const asked = daemon.asked.length
  expect(await runJob(world, { id: 'nope' })).toEqual({
    refused: 'NOT_FOUND',
    message: 'There is no job "nope"; see the list of jobs',
    facts: { id: 'nope' },
  })
  expect(await sleepJob(world, { id: expireId })).toMatchObject({ refused: 'BAD_INPUT' })
  expect(daemon.asked).toHaveLength(asked)
  expect(audits).toMatchObject([
    { outcome: expect.stringContaining('refused: NOT_FOUND') },
    { outcome: expect.stringContaining('refused: BAD_INPUT') },
  ])
})

test('a job sleeps and wakes, and an update of the jobs does not wake it', async () => {
  const { world, id, take } = await oneServer()
  expect(await sleepJob(world, { id })).toMatchObject({
    asleep: true,
    nextRun: '2026-11-24T05:00:00Z',
  })
  await take(hello.on(IP).volumes('/data/db', '/logs').inventory())
  expect(await wakeJob(world, { id })).toMatchObject({ asleep: false })
})

test('a stopped scheduler is a problem of its server', async () => {
  const { world } = await oneServer()
  const stopped = await stopScheduler(world, IP)
  if ('refused' in stopped) throw new Error(stopped.message)
  expect(listServerProblems(stopped)).toEqual(['Its scheduler is stopped: no job starts on its own'])
  expect(await startScheduler(world, IP)).toMatchObject({ debug: { crond_status: 'started' } })
  expect(await stopScheduler(world, '10.9.9.9')).toMatchObject({ refused: 'NOT_FOUND' })
})
