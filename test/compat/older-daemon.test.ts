import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { request } from 'undici'
import { expect, test } from 'vitest'
import { createInventorySource } from '../../src/controller/inventory-source.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { Job } from '../../src/wire/job.ts'
import {
  BackupDiffDocument,
  BackupFilesDocument,
  BackupSnapshotsDocument,
  BackupsDocument,
  CancelRecordDocument,
  DeleteBackupsDocument,
  DeleteBackupsPlanDocument,
  DeleteSnapshotsDocument,
  DeleteSnapshotsPlanDocument,
  FileHistoryDocument,
  JobsDocument,
  RecordDocument,
  RecoverDocument,
  RunJobDocument,
  ServersDocument,
} from '../support/client/generated/operations.ts'
import {
  listEndedRuns,
  newsIn,
  type OlderExchange,
  olderTraffic,
  readRequestedRid,
  SERVER,
  VOLUMES,
} from '../support/older-traffic.ts'
import { startTestController, testFolder } from '../support/real-controller.ts'
import { type SeenRequest, scriptedDaemon } from '../support/scripted-daemon.ts'
import { silentLog } from '../support/silent-log.ts'

const LONG = { timeout: 120_000 }
const PATIENCE = { timeout: 30_000, interval: 50 }
const PROC = { app: 'shop', proc: 'web' }
const INVENTORY = `apps:
  shop:
    web:
      on: [${SERVER}]
      volumes:
        /data/db:
          backup_full: { schedule: "0 3 1 1 *", expire: 36500d }
        /data/files:
          backup_increment: { schedule: "0 4 1 1 *", expire: 36500d }
`

const traffic = olderTraffic()
const asked = traffic.filter(({ from }) => from === 'controller')
const ends = listEndedRuns(traffic)
const isRun = ({ path }: OlderExchange) => path.endsWith('/actions/run')
const isRecover = ({ path }: OlderExchange) => path.includes('/recover/')
const fieldsOf = ({ body }: OlderExchange) => Object.fromEntries(new URLSearchParams(body))
const answerTo = (path: string) => JSON.parse(asked.find((each) => each.path.startsWith(path))?.answer ?? '')

/** Today's controller, and the older daemon as far as its real answers and its real news go. */
async function start() {
  const folder = await testFolder()
  const file = join(folder, 'inventory.yaml')
  writeFileSync(file, INVENTORY)
  const daemon = olderDaemon()
  const { url, seen } = await scriptedDaemon(daemon.answer)
  const controller = await startTestController({
    folder,
    volumeRoot: VOLUMES,
    daemonUrls: { [SERVER]: url },
    inventory: createInventorySource({ clock: systemClock, from: { file }, localIp: SERVER, log: silentLog }),
  })
  const { execute } = controller
  const planned = async () =>
    (await execute(JobsDocument, {})).jobs.filter(({ nextRun }) => nextRun !== null).length
  await expect.poll(planned, PATIENCE).toBe(3)
  const problems = async () => (await execute(ServersDocument, {})).servers[0]?.problems
  const record = async (rid: string) => (await execute(RecordDocument, { rid })).record
  return { execute, seen, daemon, problems, record }
}

type Started = Awaited<ReturnType<typeof start>>

function olderDaemon() {
  /** Where it sends its news. */
  let address = ''
  let hasJobs = false
  const next = new Map<string, number>()
  const take = (method: string, path: string) => {
    const key = `${method} ${path}`
    const found = asked.filter((each) => each.method === method && each.path === path)
    const at = next.get(key) ?? 0
    next.set(key, at + 1)
    return found[Math.min(at, found.length - 1)]
  }
  const [fresh, ...later] = asked.filter(({ path }) => path === '/api/v1/debug')
  /** Today's rids, by the recorded ones. */
  const rids = new Map<string, string>()
  const answer = ({ method, path, query, form }: SeenRequest) => {
    const fields = new Map(form)
    if (path === '/api/v1/notify') address = fields.get('addr') ?? ''
    if (method === 'PUT' && path === '/api/v1/cron/jobs') hasJobs = true
    if (path === '/api/v1/debug') return { body: JSON.parse((hasJobs ? later[0] : fresh)?.answer ?? '') }
    const told = query.map(([name, value]) => `${name}=${value}`).join('&')
    // A page of another size has the same few snapshots.
    const samePage = (each: { path: string }) =>
      path.includes('/snapshots/') && each.path.startsWith(`${path}?`)
    const exchange =
      take(method, replaceAll(told === '' ? path : `${path}?${told}`, rids, 'back')) ?? asked.find(samePage)
    if (!exchange) return { status: 404, body: 'Not recorded' }
    if (fields.has('rid')) rids.set(readRequestedRid(exchange), fields.get('rid') ?? '')
    const text = replaceAll(exchange.answer, rids)
    return { status: exchange.status, body: text === '' ? '' : JSON.parse(text) }
  }
  /** Its real news of a run, under the rid that the run has now. */
  const tell = async (recorded: string, rid: string, which: 'all' | 'first' = 'all') => {
    const posts = traffic.filter(
      ({ from, body }) => from === 'daemon' && body.includes(`"rid":"${recorded}"`),
    )
    for (const { body } of which === 'all' ? posts : posts.slice(0, 1)) {
      const { statusCode, body: answered } = await request(address, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: body.replaceAll(recorded, rid),
      })
      expect([statusCode, await answered.text()]).toEqual([200, '"OK"'])
    }
  }
  return { answer, tell }
}

function replaceAll(text: string, pairs: Map<string, string>, way: 'forth' | 'back' = 'forth'): string {
  return [...pairs].reduce(
    (told, [before, now]) => (way === 'forth' ? told.replaceAll(before, now) : told.replaceAll(now, before)),
    text,
  )
}

/** Runs of the same volumes as recorded, with the real news of each. */
async function runAll({ execute, daemon, record }: Started, exchanges: OlderExchange[]) {
  for (const exchange of exchanges) {
    const recorded = readRequestedRid(exchange)
    const end = ends.get(recorded)
    const { rid } = (await execute(RunJobDocument, { id: exchange.path.split('/').at(-3) ?? '' })).runJob
    if (end?.state === 'cancelled') {
      await daemon.tell(recorded, rid, 'first')
      expect(await record(rid)).toMatchObject({ state: expect.stringMatching(/QUEUED|RUNNING/) })
      expect(await execute(CancelRecordDocument, { rid })).toMatchObject({ cancelRecord: { rid } })
    }
    await daemon.tell(recorded, rid)
    expect(await record(rid)).toMatchObject({
      state: end?.state.toUpperCase(),
      reason: end?.reason || null,
      error: end?.error ? { code: end.error.code } : null,
      result: end?.result ? { file: end.result.file, snapshot: end.result.snapshot ?? null } : null,
    })
  }
}

test('an older daemon gets the jobs of the older controller, without problems', LONG, async () => {
  const { seen, problems, execute } = await start()
  const sent = seen.find(({ method, path }) => method === 'PUT' && path === '/api/v1/cron/jobs')
  const before = asked.find(({ method, path }) => method === 'PUT' && path === '/api/v1/cron/jobs')
  const jobsIn = (data: string | undefined) =>
    (JSON.parse(data ?? '[]') as Job[]).sort((a, b) => (a.id < b.id ? -1 : 1))
  expect(jobsIn(new Map(sent?.form).get('data'))).toEqual(jobsIn(before && fieldsOf(before).data))
  const polls = seen.filter(({ path }) => path === '/api/v1/debug')
  expect(polls.flatMap(({ query }) => query.map(([name]) => name))).not.toContain('list')
  expect(await problems()).toEqual([])
  const [server] = (await execute(ServersDocument, {})).servers
  expect(server).toMatchObject({
    reachable: true,
    protocol: 2,
    capabilities: answerTo('/api/v1/debug').capabilities,
  })
})

test(
  'its runs end as it reports: good, cancelled, cut off; the last is a problem until one succeeds',
  LONG,
  async () => {
    const world = await start()
    const runs = asked.filter(isRun)
    const cutOff = runs.findIndex(
      (each) => ends.get(readRequestedRid(each))?.error?.code === 'DAEMON_RESTARTED',
    )
    await runAll(world, runs.slice(0, cutOff + 1))
    expect(await world.problems()).toEqual([expect.stringContaining('The daemon stopped while this ran')])
    const again = runs.slice(0, cutOff).findLast(({ path }) => path === runs[cutOff]?.path)
    await runAll(world, again ? [again] : [])
    expect(await world.problems()).toEqual([])
  },
)

test('its backups are listed, browsed, recovered and deleted', LONG, async () => {
  const world = await start()
  const { execute, seen, daemon, record } = world
  await runAll(world, asked.filter(isRun).slice(0, 5))
  const namesNow = async () =>
    (await execute(BackupsDocument, {})).backups.nodes.map(({ name }) => name).sort()
  const told = [...ends.values()].flatMap(({ result }) => result?.backup ?? [])
  const recovers = asked.filter(isRecover)
  const full =
    recovers.map(({ path }) => path.split('/').at(-1) ?? '').find((name) => name.endsWith('.tar.gz')) ?? ''
  const series = told.find(({ mode }) => mode === 'increment')?.name ?? ''
  expect(await namesNow()).toEqual([...new Set(runsOf(5).map(({ name }) => name))].sort())

  const { backup: inside } = await execute(BackupFilesDocument, { ...PROC, name: full, first: 100 })
  const listed = answerTo(`/api/v1/backup/files/${full}`) as { files: { path: string }[] }
  expect(inside?.files.nodes.map(({ path }) => path)).toEqual(listed.files.map(({ path }) => path))
  const { backup } = await execute(BackupSnapshotsDocument, { ...PROC, name: series, first: 100 })
  const points = (answerTo(`/api/v1/backup/snapshots/${series}`) as { snapshots: { id: string }[] }).snapshots
  expect(backup?.snapshots.map(({ id }) => id)).toEqual(points.map(({ id }) => id))
  const from = points.at(-1)?.id ?? ''
  const { backup: changed } = await execute(BackupDiffDocument, { ...PROC, name: series, from, first: 100 })
  expect(changed?.diff.nodes).toMatchObject([{ path: 'log', change: 'CONTENT' }])
  const { backup: versions } = await execute(FileHistoryDocument, { ...PROC, name: series, path: 'log' })
  expect(versions?.history.nodes.map(({ change }) => change)).toEqual(['CONTENT', 'ADDED'])

  for (const exchange of recovers) {
    const { rid: recorded = '', files, snapshot, plan, ...rest } = fieldsOf(exchange)
    const backupName = exchange.path.split('/').at(-1) ?? ''
    const input = {
      ...PROC,
      backup: backupName,
      ...(files && { files: [files] }),
      ...(snapshot && { snapshot }),
    }
    const { recover } = await execute(RecoverDocument, { input: { ...input, plan: plan === 'true' } })
    const { form = [] } = seen.findLast(({ path }) => path === exchange.path) ?? {}
    expect(Object.fromEntries(form)).toMatchObject({
      ...rest,
      ...(files && { files }),
      ...(snapshot && { snapshot }),
    })
    await daemon.tell(recorded, recover.rid)
    expect(await record(recover.rid)).toMatchObject({ state: 'SUCCESS' })
  }

  const whole = { ...PROC, names: [full] }
  const plan = (await execute(DeleteBackupsPlanDocument, whole)).deleteBackupsPlan
  await execute(DeleteBackupsDocument, { ...whole, ...plan })
  expect(await namesNow()).not.toContain(full)
  const gone = asked
    .filter(({ path }) => path.includes('/actions/delete'))
    .map((each) => fieldsOf(each).snapshots ?? '')
  const some = { ...PROC, backup: series, snapshots: gone }
  const { planHash } = (await execute(DeleteSnapshotsPlanDocument, some)).deleteSnapshotsPlan
  expect(await execute(DeleteSnapshotsDocument, { ...some, planHash })).toEqual({
    deleteSnapshots: gone,
  })
})

function runsOf(count: number) {
  const rids = asked.filter(isRun).slice(0, count).map(readRequestedRid)
  return rids.flatMap((rid) => ends.get(rid)?.result?.backup ?? [])
}

test('all of its news is accepted, and changes nothing if it is sent again', LONG, async () => {
  const { daemon, record } = await start()
  for (const round of [1, 2]) {
    for (const rid of ends.keys()) await daemon.tell(rid, rid)
    for (const [rid, { state }] of ends)
      expect([round, (await record(rid))?.state]).toEqual([round, state.toUpperCase()])
  }
  expect(newsIn(traffic).length).toBeGreaterThan(60)
})
