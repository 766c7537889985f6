import { readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { jobId } from '../../src/wire/ids.ts'
import type { LegacyRecord } from '../../src/wire/record.ts'
import type { HttpAnswer } from '../support/daemon-http.ts'
import { type StartedDaemon, startTestDaemon } from '../support/daemon-start.ts'
import { type NewsReceiver, startReceiver } from '../support/news-receiver.ts'

/** The legacy controller, as its requests are: a form content type on each, GET too, and nothing it does not know. */
const IP = '10.77.0.11'
const FORM = 'application/x-www-form-urlencoded'
const RECORDED = JSON.parse(readFileSync('test/fixtures/wire/notify.json', 'utf8')) as {
  contentType: string
  body: LegacyRecord
}[]

let daemon: StartedDaemon
let receiver: NewsReceiver
let volume: string
let job: { id: string; spec: string; action: string; args: Record<string, unknown> }

function ask(method: string, path: string, form = ''): Promise<HttpAnswer> {
  const body = method === 'GET' ? {} : { raw: form }
  return daemon.ask(method, `/api/v1${path}`, { ...body, headers: { 'content-type': FORM } })
}

function sendJobs(jobs: object[], version: string): Promise<HttpAnswer> {
  return ask('PUT', '/cron/jobs', `data=${encodeURIComponent(JSON.stringify(jobs))}&version=${version}`)
}

beforeAll(async () => {
  daemon = await startTestDaemon({ ip: IP })
  receiver = await startReceiver()
  volume = join(daemon.dir, 'volumes/hello/hello.web.web/1/data/db')
  await mkdir(volume, { recursive: true })
  await writeFile(join(volume, 'table'), 'row 1\n')
  const recorded = RECORDED[0]?.body.args ?? {}
  const args = { ...recorded, path: volume }
  const schedule = { spec: '0 5 * * *', action: 'backup', args }
  job = { id: jobId(IP, schedule), ...schedule }
})

afterAll(async () => {
  await receiver?.close()
  await daemon?.[Symbol.asyncDispose]()
})

/** A version is 16 raw bytes there. */
const VERSION = '%D4%1D%8C%D9%8F%00%B2%04%E9%80%09%98%EC%F8%42%7E'
const EXPIRE = { id: '', spec: '* * * * *', action: 'backup_expire', type: 'cron', sleep: false }

test('it finds a daemon without jobs, sends them with its address, and then finds them there', async () => {
  const before = await ask('GET', '/debug')
  expect(before.body).toMatchObject({ updateTime: expect.stringMatching(/^0/) })
  const jobs = [
    { ...job, type: 'cron', sleep: false },
    { ...EXPIRE, args: { info: [volume, '30d'] } },
  ]
  expect(await sendJobs(jobs, VERSION)).toMatchObject({ status: 200, body: 'OK' })
  expect(await ask('PUT', '/notify', `addr=${encodeURIComponent(receiver.url)}`)).toMatchObject({
    status: 200,
    body: 'OK',
  })
  const after = (await ask('GET', '/debug')).body as { updateTime: string }
  expect(after.updateTime).toMatch(/^2/)
  const { body } = await ask('GET', `/cron/jobs?args_app=hello`)
  expect(body).toMatchObject([{ job: { id: job.id } }])

  await sendJobs([], VERSION)
  expect((await ask('GET', '/cron/jobs/count')).body).toEqual({ count: 2 })
})

test('a run is reported in exactly the two recorded posts', async () => {
  const { status, body } = await ask('POST', `/cron/jobs/${job.id}/actions/run`)
  expect(status).toBe(202)
  const { rid } = body as { rid: string }
  await receiver.until(() => receiver.taken.length === 2)
  expect(receiver.contentTypes).toEqual(new Set(['POST application/json']))
  const [begin, end] = RECORDED.map((post) => post.body)
  const own = { id: job.id, args: job.args, rid, start: TIME }
  expect(receiver.taken).toEqual([
    { ...begin, ...own },
    { ...end, ...own, end: TIME, result: { file: NAME, size: expect.any(Number) } },
  ])
})

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d*[1-9])?Z$/)
const NAME = expect.stringMatching(/^hello-hello\.web\.web-1-data-db-\d{10}\.tar\.gz$/)

test('it lists the volumes of an app in one request, and reads one backup', async () => {
  const other = join(daemon.dir, 'volumes/other')
  const dirs = [other, volume, `${volume}/none`].map((dir) => `dir=${encodeURIComponent(dir)}`).join('&')
  const { body } = await ask('GET', `/backup/json?${dirs}`)
  expect(body).toMatchObject([{ name: NAME, source: volume, server: IP }])
  const [{ name }] = body as [{ name: string }]
  expect((await ask('GET', `/backup/info/file/${name}`)).body).toEqual((body as object[])[0])
  expect((await ask('GET', `/backup/json?dir=${encodeURIComponent(other)}`)).body).toBeNull()
})

test('a recover is done, and reported in exactly the two recorded posts', async () => {
  await writeFile(join(volume, 'table'), 'damaged\n')
  const list = (await ask('GET', '/backup/json')).body as { name: string }[]
  const name = list[0]?.name ?? ''
  const form = 'app=hello&destDir=&namespace=10.77.0.11&proc=web'
  const { body } = await ask('POST', `/backup/full/recover/file/${name}`, form)
  const { rid } = body as { rid: string }
  await receiver.until(() => receiver.taken.length === 4)
  expect(await readFile(join(volume, 'table'), 'utf8')).toBe('row 1\n')
  const recorded = RECORDED.map((post) => post.body).filter(({ rid }) => rid.startsWith('17954234931e'))
  const [begin, end] = recorded.map((post) => ({ ...post, args: { ...post.args, backup: name }, rid }))
  expect(receiver.taken.slice(2)).toEqual([
    { ...begin, start: TIME },
    { ...end, start: TIME, end: TIME },
  ])
})

test('an increment is reported in exactly the two recorded posts, under the recorded name', async () => {
  const recorded = RECORDED.map((post) => post.body).filter(({ args }) => args?.mode === 'increment')
  const files = join(daemon.dir, 'volumes/hello/hello.web.web/1/data/files')
  await mkdir(files, { recursive: true })
  await writeFile(join(files, 'time.log'), 'time1\n')
  const args = { ...recorded[0]?.args, path: files }
  const increment = {
    ...EXPIRE,
    id: jobId(IP, { spec: '0 23 * * *', action: 'backup', args }),
    spec: '0 23 * * *',
    action: 'backup',
    args,
  }
  await sendJobs([job, increment], 'of both')
  const { body } = await ask('POST', `/cron/once/${increment.id}`)
  const { rid } = body as { rid: string }
  const told = () => receiver.taken.filter((post) => post.rid === rid)
  await receiver.until(() => told().length === 2)
  const [begin, end] = recorded
  const own = { id: increment.id, args, rid, start: TIME }
  const result = { file: 'hello-hello.web.web-1-data-files', size: expect.any(Number) }
  expect(told()).toEqual([
    { ...begin, ...own },
    { ...end, ...own, end: TIME, result },
  ])
  const dir = encodeURIComponent(files)
  expect((await ask('GET', `/backup/json?dir=${dir}`)).body).toMatchObject([
    { mode: 'increment', name: result.file, source: files, server: IP },
  ])
})

test('it sends an empty mode if lainlet names none, and the run makes a full backup', async () => {
  const args = { ...job.args, mode: '' }
  const id = jobId(IP, { spec: job.spec, action: 'backup', args })
  await sendJobs([job, { ...job, id, args }], 'without a mode')
  const { rid } = (await ask('POST', `/cron/once/${id}`)).body as { rid: string }
  const told = () => receiver.taken.filter((post) => post.rid === rid)
  await receiver.until(() => told().length === 2)
  expect(told().at(-1)).toMatchObject({ id, args, state: 'success', result: { file: NAME } })
})

test('a job that it puts to sleep stays asleep after its next list, even if the list changed', async () => {
  expect(await ask('POST', `/cron/jobs/${job.id}/actions/sleep`)).toMatchObject({ status: 201 })
  await sendJobs([{ ...job, type: 'cron', sleep: false }], `${VERSION}%01`)
  expect((await ask('GET', `/cron/jobs/${job.id}`)).body).toMatchObject({ id: job.id, sleep: true })
  expect((await ask('GET', '/cron/jobs/count')).body).toEqual({ count: 1 })
  expect(await ask('POST', `/cron/jobs/${job.id}/actions/wakeup`)).toMatchObject({ status: 204 })
})

test('it stops and starts the schedule, deletes a backup, and removes its address', async () => {
  expect(await ask('PUT', '/cron/stop')).toMatchObject({ status: 201, body: '' })
  expect((await ask('GET', '/debug')).body).toMatchObject({ crond_status: 'stopped' })
  expect(await ask('PUT', '/cron/start')).toMatchObject({ status: 201, body: '' })
  const list = (await ask('GET', '/backup/json')).body as { name: string }[]
  const files = list.map(({ name }) => `files=${name}`).join('&')
  expect(await ask('POST', '/backup/delete', files)).toMatchObject({ status: 204 })
  expect((await ask('GET', '/backup/json')).body).toBeNull()
  const addr = `addr=${encodeURIComponent(receiver.url)}`
  expect(await ask('POST', '/notify/actions/remove', addr)).toMatchObject({ status: 203, body: 'OK' })
  expect((await ask('GET', '/notify')).body).toEqual({ addr: [] })
})
