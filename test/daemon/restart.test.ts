import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { NEVER } from '../../src/lib/clock.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { askHttp, type HttpQuestion } from '../support/daemon-http.ts'
import { temporaryDir } from '../support/daemon-kit.ts'
import { kill, localFlags, startDaemonProcess } from '../support/daemon-process.ts'
import { type NewsReceiver, startReceiver } from '../support/news-receiver.ts'

let dir: ReturnType<typeof temporaryDir>
let daemon: Awaited<ReturnType<typeof startDaemonProcess>>
let receiver: NewsReceiver

beforeEach(async () => {
  dir = temporaryDir()
  for (const name of ['store', 'volumes']) mkdirSync(join(dir.path, name))
  receiver = await startReceiver()
  daemon = await startDaemonProcess(localFlags(dir.path))
})

afterEach(async () => {
  await kill(daemon, 'SIGKILL')
  await receiver.close()
  dir[Symbol.dispose]()
})

const ask = (method: string, path: string, question?: HttpQuestion) =>
  askHttp(daemon.url, method, path, question)

function testJob(id: string, args: object) {
  return { id, spec: '0 6 * * *', action: 'test', args, type: 'cron', sleep: false }
}

async function setUp(): Promise<void> {
  const data = JSON.stringify([testJob('long', { steps: 2, forever: true }), testJob('nap', {})])
  await ask('PUT', '/api/v1/cron/jobs', { form: { data, version: 'v1' } })
  await ask('POST', '/api/v1/cron/jobs/nap/actions/sleep')
}

async function runLong(): Promise<string> {
  const { body } = await ask('POST', '/api/v1/cron/once/long')
  return (body as { rid: string }).rid
}

function newsOf(rid: string): RunRecord[] {
  return receiver.taken.flatMap(({ records }) => records).filter((record) => record.rid === rid)
}

async function killAndRestart(signal: NodeJS.Signals): Promise<void> {
  await kill(daemon, signal)
  daemon = await startDaemonProcess(localFlags(dir.path))
}

test('a killed daemon starts with its jobs and sleep marks, ends the run, and reports it to the controller', async () => {
  await ask('PUT', '/api/v1/notify', { form: { addr: receiver.url, protocol: '2' } })
  await setUp()
  const rid = await runLong()
  await receiver.until(() => newsOf(rid).some(({ progress }) => progress !== null))
  await killAndRestart('SIGKILL')
  const jobs = (await ask('GET', '/api/v1/cron/jobs')).body as { job: { id: string; sleep: boolean } }[]
  expect(jobs.map(({ job }) => [job.id, job.sleep]).sort()).toEqual([
    ['long', false],
    ['nap', true],
  ])
  expect((await ask('GET', '/api/v1/debug')).body).toMatchObject({
    updateTime: NEVER,
    crond_status: 'started',
    running: [],
  })
  await receiver.until(() => newsOf(rid).some(({ state }) => state === 'failed'))
  expect(newsOf(rid).at(-1)).toMatchObject({ state: 'failed', error: { code: 'DAEMON_RESTARTED' } })
  expect(newsOf(rid).at(-1)?.phases).toMatchObject([{ name: 'start' }, { name: 'test', end: null }])
  expect((await ask('GET', `/api/v1/cron/records/${rid}`)).body).toMatchObject({ state: 'failed' })
  expect((await ask('GET', `/api/v1/cron/records/${rid}/log`)).body).toMatchObject({
    lines: [
      { number: 1, level: 'info', text: 'running' },
      { number: 2, level: 'error', text: expect.stringMatching(/^failed: The daemon stopped/) },
    ],
    next: null,
  })
  expect(await ask('GET', `/api/v1/cron/records/${rid}/log?limit=501`)).toMatchObject({ status: 400 })
})

test('a legacy controller gets two posts about a killed run, the second when the daemon is back', async () => {
  await ask('PUT', '/api/v1/notify', { form: { addr: receiver.url } })
  await setUp()
  const rid = await runLong()
  await ask('POST', '/api/v1/cron/once/nap')
  await receiver.until(() => receiver.taken.length === 2)
  const { port } = receiver
  await receiver.close()
  await killAndRestart('SIGKILL')
  receiver = await startReceiver(port)
  const posts = () => receiver.taken.filter((post) => post.rid === rid)
  await receiver.until(() => posts().length > 0)
  expect(posts()).toEqual([
    expect.objectContaining({ state: 'failed', end: expect.not.stringContaining(NEVER) }),
  ])
})

test('a stopped daemon ends its runs and reports that to its listeners', async () => {
  await ask('PUT', '/api/v1/notify', { form: { addr: receiver.url, protocol: '2' } })
  await setUp()
  const rid = await runLong()
  await receiver.until(() => newsOf(rid).length > 0)
  const { code } = await kill(daemon, 'SIGTERM')
  expect(code).toBe(0)
  expect(newsOf(rid).at(-1)).toMatchObject({ state: 'failed', error: { code: 'DAEMON_RESTARTED' } })
})
