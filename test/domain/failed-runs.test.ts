import { expect, test } from 'vitest'
import { acceptLegacyRecord, acceptNews } from '../../src/domain/accept-news.ts'
import { tick } from '../../src/domain/controller.ts'
import { readHealth } from '../../src/domain/health.ts'
import { SILENT_AFTER_MS } from '../../src/domain/lost-records.ts'
import { listServerProblems } from '../../src/domain/server-state.ts'
import type { World } from '../../src/domain/world.ts'
import type { DaemonDebug } from '../../src/wire/daemon-api.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'

const hello = given.app('hello').proc('web')

const IP = '10.0.0.1'

async function oneServer(debug: Partial<DaemonDebug> = {}) {
  const kit = await hello.on(IP).volume('/data/db').daemon(IP, debug).inMemory()
  const daemon = kit.daemons.at(IP)
  const job = kit.world.inventory.plan.jobs.find(({ volume }) => volume)
  if (!job) throw new Error('there is no job')
  const { id: jobId, spec, action, args } = job.job
  const record = (changes: Partial<RunRecord>) =>
    sampleRecord({ server: IP, jobId, spec, action, args, ...changes })
  return { ...kit, daemon, record }
}

function listProblems(world: World): string[] {
  const server = world.servers.get(IP)
  return server ? listServerProblems(server, world.problems.listAbout(IP)) : []
}

function news(record: RunRecord) {
  return { protocol: 2 as const, daemonId: 'x', server: IP, records: [record], running: [] }
}

test('a lost run is a problem and degrades health, until a later run of the job succeeds', async () => {
  const { world, clock, record, log, reopen } = await oneServer()
  await acceptNews(world, news(record({ rid: ridOf(1) })), { from: IP })
  clock.move(SILENT_AFTER_MS + 1)
  tick(world)
  await world.background.settled()
  const lost = expect.stringMatching(/^The full backup of ".*" is lost: The daemon on 10.0.0.1 knows nothing/)
  expect(listProblems(world)).toEqual([lost])
  expect(log.lines.filter((line) => line.includes('is lost'))).toHaveLength(1)
  expect(await readHealth(world)).toMatchObject({
    status: 'degraded',
    reason: expect.stringContaining('lost'),
  })
  const again = await reopen()
  tick(again)
  await again.background.settled()
  expect(listProblems(again)).toEqual([lost])
  const end = { rid: ridOf(2), seq: 9, state: 'success', end: '2026-11-23T09:45:00Z' } as const
  await acceptNews(world, news(record({ ...end, rid: ridOf(3), state: 'cancelled' })), { from: IP })
  expect(listProblems(world)).toEqual([lost])
  await acceptNews(world, news(record(end)), { from: IP })
  expect(listProblems(world)).toEqual([])
  expect(await readHealth(world)).toMatchObject({ status: 'ok', reason: '' })
})

test('a failure on a legacy daemon is a problem, although the daemon reports none', async () => {
  const { world, record, take } = await oneServer({ protocol: undefined, capabilities: undefined })
  const { rid, jobId: id, spec, action, args } = record({ rid: ridOf(1) })
  const legacy = { id, spec, action, args, type: 'cron', sleep: false, rid, result: null }
  const times = { start: '2026-11-23T08:30:00Z', end: '2026-11-23T08:31:00Z' }
  await acceptLegacyRecord(
    world,
    { ...legacy, ...times, state: 'failed', reason: 'tar: no such file' },
    { from: IP },
  )
  expect(listProblems(world)).toContainEqual(expect.stringContaining('failed: tar: no such file'))
  expect((await readHealth(world)).status).toBe('degraded')
  await take(hello.on(IP).volumes('/data/db', '/data/other').inventory())
  expect(listProblems(world)).toContainEqual(expect.stringContaining('failed: tar: no such file'))
  expect((await readHealth(world)).reason).not.toContain('legacy daemon')
})

test('a failure on an earlier daemon of ours is a problem until a run succeeds', async () => {
  const { world, record, log, reopen } = await oneServer({ capabilities: ['news', 'progress', 'records'] })
  const end = { seq: 9, end: '2026-11-23T08:45:00Z' } as const
  const failed = record({ ...end, rid: ridOf(1), state: 'failed', reason: 'tar: no such file' })
  await acceptNews(world, news(failed), { from: IP })
  const told = expect.stringContaining('failed: tar: no such file')
  expect(listProblems(world)).toEqual([told])
  expect(log.lines.filter((line) => line.includes('no such file'))).toHaveLength(1)
  const again = await reopen()
  tick(again)
  await again.background.settled()
  expect(listProblems(again)).toEqual([told])
  await acceptNews(world, news(record({ ...end, rid: ridOf(2), state: 'success' })), { from: IP })
  expect(listProblems(world)).toEqual([])
})

test('a failure on a daemon that reports failures is not reported twice', async () => {
  const { world, record } = await oneServer({ capabilities: ['failures'] })
  const failed = { rid: ridOf(1), seq: 9, state: 'failed', end: '2026-11-23T08:45:00Z' } as const
  await acceptNews(world, news(record(failed)), { from: IP })
  expect(listProblems(world)).toEqual([])
})
