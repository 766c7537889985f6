import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createLainlet } from '../../src/fleet/lainlet.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { listLegacyJobs } from '../../src/rest-compat/legacy/job.ts'
import { jobId } from '../../src/wire/ids.ts'
import {
  JobsDocument,
  RecordDocument,
  RunJobDocument,
  ServersDocument,
  SleepJobDocument,
} from '../support/client/generated/operations.ts'
import { askHttp, endOfRun } from '../support/daemon-http.ts'
import { freePort } from '../support/free-port.ts'
import { handClock } from '../support/hand-clock.ts'
import { startLainlet } from '../support/lainlet.ts'
import { startLegacyDaemon } from '../support/legacy-daemon.ts'
import { startReceiver } from '../support/news-receiver.ts'
import { startTestController, startTestDaemon, testFolder } from '../support/real-controller.ts'
import { silentLog } from '../support/silent-log.ts'

const IP = '10.77.0.11'

interface RecordedJob {
  id: string
  spec: string
  action: string
  args: Record<string, unknown>
}

/** The recorded jobs of the server, their volumes under `root`: what the legacy controller sends there. */
async function recordedJobs(root: string): Promise<RecordedJob[]> {
  const text = await readFile('test/fixtures/wire/daemon.json', 'utf8')
  const [first] = JSON.parse(text.replaceAll('/data/lain/volumes', root)) as [
    { body: { job: RecordedJob }[] },
  ]
  return first.body.map(({ job }) => {
    return { ...job, id: job.id && jobId(IP, job) }
  })
}

/** The recorded cluster's first server, and a legacy controller that is asked by hand. */
async function start() {
  const folder = await testFolder()
  const root = join(folder, 'volumes')
  const volume = join(root, 'hello/hello.web.web/1/data/db')
  await mkdir(volume, { recursive: true })
  await writeFile(join(volume, 'table'), 'row 1\n')
  const spec = JSON.parse(await readFile('test/fixtures/wire/backupspec.json', 'utf8'))
  const lainlet = await startLainlet(spec)
  onTestFinished(() => lainlet.close())
  const jobs = await recordedJobs(root)
  const db = jobs.find(({ args }) => args.volume === '/data/db')?.id ?? ''
  const sendJobs = async (url: string, address: string) => {
    const form = { data: JSON.stringify(jobs), version: 'of the legacy controller' }
    expect(await askHttp(url, 'PUT', '/api/v1/cron/jobs', { form })).toMatchObject({ body: 'OK' })
    const notify = { form: { addr: address } }
    expect(await askHttp(url, 'PUT', '/api/v1/notify', notify)).toMatchObject({ body: 'OK' })
  }
  const controllerOn = (port: number, addressOf: () => string, clock = handClock()) =>
    startTestController({
      folder,
      port,
      clock,
      volumeRoot: root,
      advertise: `http://127.0.0.1:${port}`,
      inventory: createLainlet({ clock: systemClock, address: lainlet.address, log: silentLog }),
      addressOf: (ip) => (ip === IP ? addressOf() : 'http://127.0.0.1:1'),
    })
  return { folder, jobs, db, sendJobs, controllerOn }
}

/** Without the verify job, which only a daemon and a controller of ours have. */
async function listed(url: string): Promise<[id: string, asleep: boolean][]> {
  const { body } = await askHttp(url, 'GET', '/api/v1/cron/jobs')
  const jobs = (body as { job: { id: string; sleep: boolean; action: string } }[]).map(({ job }) => job)
  return listLegacyJobs(jobs)
    .map(({ id, sleep }): [string, boolean] => [id, sleep])
    .sort()
}

test('the controller is replaced over a daemon of ours, and back: ids and sleep marks stay, no news is lost', async () => {
  const { folder, jobs, db, sendJobs, controllerOn } = await start()
  const daemon = await startTestDaemon(folder, IP)
  const port = await freePort()
  const address = `http://127.0.0.1:${port}/api/v2/system/notify`
  await sendJobs(daemon.url, address)
  const files = jobs.find(({ args }) => args.volume === '/data/files')?.id ?? ''
  await askHttp(daemon.url, 'POST', `/api/v1/cron/jobs/${files}/actions/sleep`)
  const before = await listed(daemon.url)
  expect(before).toContainEqual([files, true])
  // The legacy controller is down by now: the word on this run waits at the daemon.
  const { body } = await askHttp(daemon.url, 'POST', `/api/v1/cron/once/${db}`)
  const { rid } = body as { rid: string }
  await endOfRun(daemon.url, rid)

  const controller = await controllerOn(port, () => daemon.url)
  const { execute } = controller
  const ours = async () => listLegacyJobs((await execute(JobsDocument, { filter: { server: IP } })).jobs)
  await expect.poll(async () => (await ours()).map(({ asleep }) => asleep)).toContain(true)
  const shown = (await ours()).map(({ id, asleep }) => [id.endsWith('-expire') ? '' : id, asleep])
  expect(shown.sort()).toEqual(before)
  await expect
    .poll(async () => (await execute(RecordDocument, { rid })).record?.state, { timeout: 30_000 })
    .toBe('SUCCESS')
  expect(await listed(daemon.url)).toEqual(before)
  expect((await askHttp(daemon.url, 'GET', '/api/v1/notify')).body).toEqual({ addr: [address] })
  await controller.close()
  await daemon.close()

  // The legacy controller has no identity: the daemon is told that its jobs may come from another one now.
  const released = await startTestDaemon(folder, IP, { releaseController: true })
  const health = async () => (await askHttp(released.url, 'GET', '/healthz')).status
  await expect.poll(health, { timeout: 30_000 }).toBe(200)
  await using legacy = await startReceiver(port)
  await sendJobs(released.url, address)
  expect(await listed(released.url)).toEqual(before)
  const again = await askHttp(released.url, 'POST', `/api/v1/cron/once/${db}`)
  const told = () => legacy.taken.filter((post) => post.rid === (again.body as { rid: string }).rid)
  await legacy.until(() => told().length === 2)
  expect(told().map(({ state }) => state)).toEqual(['running', 'success'])
})

test('a daemon is replaced under our controller, and back: ids and sleep marks stay', async () => {
  const { folder, db, controllerOn } = await start()
  const clock = handClock()
  const legacy = await startLegacyDaemon(clock.now)
  let url = legacy.url
  const { execute } = await controllerOn(await freePort(), () => url, clock)
  await expect.poll(() => legacy.daemon.jobs.length, { timeout: 30_000 }).toBe(4)
  await execute(SleepJobDocument, { id: db })
  const before = await listed(legacy.url)
  expect(before).toContainEqual([db, true])

  const ours = await startTestDaemon(folder, IP)
  url = ours.url
  clock.move(31_000)
  await expect.poll(() => listed(ours.url), { timeout: 30_000 }).toEqual(before)
  const server = async () => (await execute(ServersDocument, {})).servers.find(({ ip }) => ip === IP)
  await expect.poll(async () => (await server())?.protocol).toBe(2)
  const { runJob } = await execute(RunJobDocument, { id: db })
  const state = async () => (await execute(RecordDocument, { rid: runJob.rid })).record?.state
  await expect.poll(state, { timeout: 30_000 }).toBe('SUCCESS')

  legacy.daemon.restart()
  url = legacy.url
  clock.move(31_000)
  await expect.poll(() => listed(legacy.url), { timeout: 30_000 }).toEqual(before)
  await expect.poll(async () => (await server())?.capabilities).toEqual(['original'])
})
