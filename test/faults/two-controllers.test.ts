import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { CopyCatalogDocument, JobsDocument, ServersDocument } from '../support/client/generated/operations.ts'
import { askHttp } from '../support/daemon-http.ts'
import { startTestDaemon } from '../support/daemon-start.ts'
import { given } from '../support/given.ts'
import {
  type StartOptions,
  startTestController,
  testFolder,
  toldInventory,
} from '../support/real-controller.ts'

const hello = given.app('hello').proc('web')

const IP = '127.0.0.1'

async function startDaemonIn(folder: string, more = {}) {
  await mkdir(join(folder, 'volumes'), { recursive: true })
  const daemon = await startTestDaemon({ ip: IP, ...more }, folder)
  onTestFinished(() => daemon.close())
  return daemon
}

async function startController(daemonUrl: string, more: Partial<StartOptions> = {}) {
  const controller = await startTestController({
    folder: await testFolder(),
    daemonUrls: { [IP]: daemonUrl },
    inventory: toldInventory(hello.on(IP).volume('/data/db').inventory()),
    ...more,
  })
  const problems = async () =>
    (await controller.execute(ServersDocument, {})).servers[0]?.problems.join('\n') ?? ''
  const planned = async () =>
    (await controller.execute(JobsDocument, {})).jobs.filter(({ nextRun }) => nextRun !== null).length
  return { ...controller, problems, planned }
}

/** Those of the volume, and the one that verifies backups of the server. */
const JOBS = 3
const PATIENCE = { timeout: 30_000, interval: 100 }

async function volumesOf(url: string) {
  const { body } = await askHttp(url, 'GET', '/api/v1/cron/jobs')
  const jobs = body as { job: { action: string; args: { volume?: string } } }[]
  return jobs.filter(({ job }) => job.action === 'backup').map(({ job }) => job.args.volume)
}

async function problemsOfDaemon(url: string): Promise<string> {
  const { body } = await askHttp(url, 'GET', '/api/v1/debug')
  return (body as { problems: string[] }).problems.join('\n')
}

test('a second controller does not replace the jobs of the first, and both sides name it', async () => {
  const daemon = await startDaemonIn(await testFolder())
  const first = await startController(daemon.url)
  await expect.poll(first.planned, PATIENCE).toBe(JOBS)
  const second = await startController(daemon.url, {
    inventory: toldInventory(hello.on(IP).volume('/data/other').inventory()),
  })
  await expect.poll(second.problems, PATIENCE).toContain('Cannot accept a list of jobs from the controller')
  expect(await volumesOf(daemon.url)).toEqual(['/data/db'])
  expect(await problemsOfDaemon(daemon.url)).toContain('Another controller sent a list of jobs')
  const [job] = (await second.execute(JobsDocument, {})).jobs
  expect(job?.problem).toContain('--take-over')
  expect((await askHttp(daemon.url, 'GET', '/api/v1/notify')).body).toEqual({
    addr: [expect.stringContaining(first.url)],
  })
})

test('a controller takes over on request, and the previous one names that as the reason', async () => {
  const daemon = await startDaemonIn(await testFolder())
  const folder = await testFolder()
  const first = await startController(daemon.url, { folder })
  await expect.poll(first.planned, PATIENCE).toBe(JOBS)
  const inventory = toldInventory(hello.on(IP).volume('/data/other').inventory())
  const second = await startController(daemon.url, { inventory, takesOver: () => true })
  await expect.poll(second.planned, PATIENCE).toBe(JOBS)
  expect(await volumesOf(daemon.url)).toEqual(['/data/other'])
  expect(await second.problems()).toBe('')
  // A controller that starts asks at once, not after the 30 s between two polls.
  await first.close()
  const again = await startController(daemon.url, { folder })
  await expect.poll(again.problems, PATIENCE).toContain('Cannot accept a list of jobs')
  expect(await again.problems()).not.toContain('see that the spec is a schedule')
  expect(await volumesOf(daemon.url)).toEqual(['/data/other'])
})

test('a controller that starts from a copy of its catalog is still the same', async () => {
  const daemon = await startDaemonIn(await testFolder())
  const folder = await testFolder()
  const first = await startController(daemon.url, { folder })
  await expect.poll(first.planned, PATIENCE).toBe(JOBS)
  const { copyCatalog } = await first.execute(CopyCatalogDocument, { dir: join(folder, 'copies') })
  await first.close()
  const moved = await testFolder()
  await mkdir(join(moved, 'controller'))
  await copyFile(copyCatalog.path, join(moved, 'controller', 'catalog.db'))
  const again = await startController(daemon.url, { folder: moved })
  await expect.poll(again.planned, PATIENCE).toBe(JOBS)
  expect(await again.problems()).toBe('')
})

test('a released daemon accepts the list of another controller', async () => {
  const folder = await testFolder()
  const before = await startDaemonIn(folder)
  const first = await startController(before.url)
  await expect.poll(first.planned, PATIENCE).toBe(JOBS)
  await first.close()
  await before.close()
  const kept = await startDaemonIn(folder)
  expect(
    (await askHttp(kept.url, 'PUT', '/api/v1/cron/jobs', { form: { data: '[]', version: 'x' } })).status,
  ).toBe(409)
  await kept.close()
  const released = await startDaemonIn(folder, { releaseController: true })
  const second = await startController(released.url)
  await expect.poll(second.planned, PATIENCE).toBe(JOBS)
  expect(await second.problems()).toBe('')
})

test('legacy controllers, which have no identity, keep working alone', async () => {
  const daemon = await startDaemonIn(await testFolder())
  const send = (version: string, more = {}) =>
    askHttp(daemon.url, 'PUT', '/api/v1/cron/jobs', { form: { data: '[]', version, ...more } })
  expect(await send('a')).toMatchObject({ status: 200, body: 'OK' })
  expect(await send('b')).toMatchObject({ status: 200, body: 'OK' })
  const controller = 'c'.repeat(32)
  expect(await send('c', { controller, controllerUrl: 'http://10.0.0.9:9002' })).toMatchObject({
    status: 200,
  })
  expect(await send('d')).toMatchObject({ status: 409, body: expect.stringContaining('a legacy controller') })
  expect(await send('e', { controller })).toMatchObject({ status: 200 })
  expect(await send('f', { controller: 'not an id' })).toMatchObject({ status: 400 })
})
