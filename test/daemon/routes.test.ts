import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isoTime, NEVER } from '../../src/lib/clock.ts'
import { backupPageSchema, debugSchema, filePageSchema } from '../../src/wire/daemon-api.ts'
import { newRid } from '../../src/wire/ids.ts'
import { recordSchema } from '../../src/wire/record.ts'
import type { HttpAnswer, HttpQuestion } from '../support/daemon-http.ts'
import { type StartedDaemon, startTestDaemon } from '../support/daemon-start.ts'

let daemon: StartedDaemon
let volume: string
let backup: string

beforeAll(async () => {
  daemon = await startTestDaemon()
  volume = join(daemon.dir, 'volumes/shop/shop.web.web/1/data/db')
  mkdirSync(join(volume, 'tables'), { recursive: true })
  writeFileSync(join(volume, 'tables/orders'), 'row\n')
  writeFileSync(join(volume, 'notes.txt'), 'keep me\n')
  await setJobs([backupJob('full'), testJob('long', { forever: true }), testJob('', {}), testJob('nap', {})])
  backup = String((await run('full')).result?.file)
})

afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]()
})

function backupJob(id: string) {
  const [app, proc] = ['shop', 'shop.web.web']
  const args = {
    app,
    proc,
    archive: 'shop-shop.web.web-1-data-db',
    containers: [],
    instanceNo: 1,
    mode: 'full',
    path: volume,
    preRun: '',
    postRun: '',
    volume: '/data/db',
  }
  return { id, spec: '0 5 * * *', action: 'backup', args }
}

function testJob(id: string, args: object) {
  return { id, spec: '0 6 * * *', action: 'test', args }
}

async function setJobs(jobs: object[]): Promise<void> {
  expect(
    await put('/api/v1/cron/jobs', { form: { data: JSON.stringify(jobs), version: `v${Math.random()}` } }),
  ).toMatchObject({ status: 200 })
}

const get = (path: string) => daemon.ask('GET', path)
const put = (path: string, question?: HttpQuestion) => daemon.ask('PUT', path, question)
const post = (path: string, question?: HttpQuestion) => daemon.ask('POST', path, question)

async function run(id: string) {
  return await daemon.ended(ridOf(await post(`/api/v1/cron/once/${id}`)))
}

function ridOf({ status, body }: HttpAnswer): string {
  expect({ status, body }).toEqual({ status: 202, body: { rid: expect.any(String) } })
  return (body as { rid: string }).rid
}

test('a failure of the expire job is among the problems, although it leaves no record', async () => {
  await using other = await startTestDaemon()
  const expire = { id: '', spec: '* * * * * *', action: 'backup_expire', args: { info: ['/v', 'soon'] } }
  const form = { data: JSON.stringify([expire]), version: 'v1' }
  expect(await other.ask('PUT', '/api/v1/cron/jobs', { form })).toMatchObject({ status: 200 })
  const problems = async () => debugSchema.parse((await other.ask('GET', '/api/v1/debug')).body).problems
  const told = expect.stringMatching(/^The job backup_expire cannot do all of its work: \/v: "soon" is not/)
  await expect.poll(problems, { timeout: 30_000 }).toEqual([told])
})

describe('runs', () => {
  test('a caller may mint the rid, and the same rid never starts twice', async () => {
    const rid = newRid(Date.now())
    const first = await post('/api/v1/cron/jobs/nap/actions/run', { form: { rid } })
    expect(ridOf(first)).toBe(rid)
    const record = await daemon.ended(rid)
    expect(ridOf(await post('/api/v1/cron/once/nap', { form: { rid } }))).toBe(rid)
    expect((await get(`/api/v1/cron/records/${rid}`)).body).toEqual(record)
    expect(recordSchema.parse(record)).toMatchObject({
      state: 'success',
      jobId: 'nap',
      type: 'once',
      server: '10.77.0.11',
    })
  })

  test.each(['x', '../../x', '1'.repeat(44)])('the rid "%s" is refused', async (rid) => {
    expect(await post('/api/v1/cron/once/nap', { form: { rid } })).toMatchObject({
      status: 400,
      code: 'BAD_INPUT',
    })
  })

  test('a run is cancelled, once', async () => {
    const rid = ridOf(await post('/api/v1/cron/once/long'))
    expect((await get('/api/v1/debug')).body).toMatchObject({ running: [rid], running_tasks: 1 })
    expect(await post(`/api/v1/cron/records/${rid}/actions/cancel`)).toMatchObject({
      status: 202,
      body: { rid },
    })
    expect(await daemon.ended(rid)).toMatchObject({ state: 'cancelled', error: { code: 'CANCELLED' } })
    expect(await post(`/api/v1/cron/records/${rid}/actions/cancel`)).toMatchObject({
      status: 409,
      code: 'CONFLICT',
    })
  })

  test('an unknown record is 404, with its code', async () => {
    const rid = newRid(Date.now())
    const nobody = { status: 404, code: 'NOT_FOUND', body: expect.stringContaining(rid) }
    expect(await get(`/api/v1/cron/records/${rid}`)).toMatchObject(nobody)
    expect(await post(`/api/v1/cron/records/${rid}/actions/cancel`)).toMatchObject(nobody)
  })
})

describe('jobs', () => {
  test('the job with the empty id is shown, run, and put to sleep like the others', async () => {
    expect((await get('/api/v1/cron/jobs/')).body).toMatchObject({ id: '', action: 'test' })
    expect((await post('/api/v1/cron/jobs//actions/sleep')).status).toBe(201)
    expect((await get('/api/v1/cron/jobs/')).body).toMatchObject({ sleep: true })
    expect((await post('/api/v1/cron/jobs//actions/wakeup')).status).toBe(204)
    expect(await daemon.ended(ridOf(await post('/api/v1/cron/jobs//actions/run')))).toMatchObject({
      jobId: '',
    })
  })

  test.each([
    ['action=test&id=nap', ['nap']],
    ['args_forever=true', ['long']],
    ['args_app=shop&args_instanceNo=1', ['full']],
    ['args_app=other', []],
    ['id=nap&id=long', ['long', 'nap']],
    ['whatever=1', ['', 'full', 'long', 'nap']],
  ])('?%s lists %j', async (query, ids) => {
    const listed = (await get(`/api/v1/cron/jobs?${query}`)).body as { job: { id: string } }[]
    expect(listed.map(({ job }) => job.id).sort()).toEqual(ids)
  })

  test.each(['sleep', 'wakeup', 'run'])(
    '%s of an unknown job is 400 with the recorded text',
    async (action) => {
      expect(await post(`/api/v1/cron/jobs/zz/actions/${action}`)).toMatchObject({
        status: 400,
        code: 'NOT_FOUND',
        body: expect.stringContaining('Unvalid Argument: Job not found with id="zz"'),
      })
    },
  )

  test.each([
    ['no data at all', { form: { version: 'v' } }],
    ['an object', { form: { data: '{"a":1}' } }],
    ['a number', { form: { data: '7' } }],
    ['JSON that is not an object', { json: [1] }],
    ['a text that is not JSON', { raw: '{"data":', headers: { 'content-type': 'application/json' } }],
  ])('a list of jobs that is %s is refused, and the jobs stay', async (_what, question) => {
    const answer = await put('/api/v1/cron/jobs', question)
    expect(answer).toMatchObject({ status: 400, code: 'BAD_INPUT', body: expect.any(String) })
    expect((await get('/api/v1/cron/jobs/count')).body).toEqual({ count: 4 })
  })

  test('a JSON body is read like a form, and an invalid job is dropped with a log line', async () => {
    await using other = await startTestDaemon()
    const data = [
      testJob('a', {}),
      { id: 'b', spec: 7 },
      'nonsense',
      null,
      { ...testJob('c', {}), spec: 'at noon' },
    ]
    expect(await other.ask('PUT', '/api/v1/cron/jobs', { json: { data, version: 'v1' } })).toMatchObject({
      status: 200,
      body: 'OK',
    })
    expect((await other.ask('GET', '/api/v1/cron/jobs/count')).body).toEqual({ count: 1 })
    const dropped = other.log.lines.filter(({ message }) => message.includes('was dropped'))
    expect(dropped.map(({ message }) => message.split(' was')[0])).toEqual([
      'Job "b"',
      'Job "number 3 of the list"',
      'Job "number 4 of the list"',
      'Job "c"',
    ])
    expect(
      (await other.ask('PUT', '/api/v1/cron/jobs', { form: { data: 'null', version: 'v2' } })).status,
    ).toBe(200)
    expect((await other.ask('GET', '/api/v1/cron/jobs/count')).body).toEqual({ count: 0 })
  })

  test('a list of several MiB is accepted, a larger one is 413', async () => {
    await using other = await startTestDaemon()
    const many = Array.from({ length: 20_000 }, (_, n) => ({
      ...backupJob(`job-${n}`),
      spec: `${n % 60} 5 * * *`,
    }))
    const data = JSON.stringify(many)
    expect(data.length).toBeGreaterThan(5 * 1024 * 1024)
    expect((await other.ask('PUT', '/api/v1/cron/jobs', { form: { data, version: 'v1' } })).status).toBe(200)
    expect((await other.ask('GET', '/api/v1/cron/jobs/count')).body).toEqual({ count: 20_000 })
    const huge = await other.ask('PUT', '/api/v1/cron/jobs', { form: { data: 'x'.repeat(33 * 1024 * 1024) } })
    expect(huge).toMatchObject({
      status: 413,
      code: 'BAD_INPUT',
      body: expect.stringContaining('larger than this route accepts'),
    })
    expect((await other.ask('GET', '/api/v1/cron/jobs/count')).body).toEqual({ count: 20_000 })
  })
})

describe('backups', () => {
  test('pages of protocol 2 have the fields of the manifest', async () => {
    const { body } = await get('/api/v1/backup/json?protocol=2&namespace=10.77.0.11&limit=1')
    expect(backupPageSchema.parse(body)).toMatchObject({
      backups: [{ name: backup, state: 'success', hasIndex: true }],
      next: null,
    })
    const after = await get(`/api/v1/backup/json?protocol=2&after=${backup}`)
    expect(after.body).toEqual({ backups: [], next: null })
    expect((await get('/api/v1/backup/json?protocol=2&namespace=10.9.9.9')).body).toEqual({
      backups: [],
      next: null,
    })
  })

  test('the files of a backup are listed folder by folder, in both dialects', async () => {
    const page = await get(`/api/v1/backup/files/${backup}?limit=1`)
    expect(filePageSchema.parse(page.body)).toMatchObject({
      files: [{ path: 'notes.txt', type: 'file', size: 8 }],
      next: 'notes.txt',
    })
    const next = await get(`/api/v1/backup/files/${backup}?limit=1&after=notes.txt`)
    expect(next.body).toMatchObject({ files: [{ path: 'tables', type: 'directory' }], next: null })
    const inside = await get(`/api/v1/backup/files/${backup}?path=tables`)
    expect(inside.body).toMatchObject({ files: [{ path: 'tables/orders' }] })
    const legacy = await get(`/api/v1/backup/filelist/dir/${backup}/tables`)
    expect(legacy.body).toEqual([
      { name: 'orders', size: 4, mod_time: expect.stringMatching(/Z$/), dir: false },
    ])
  })

  test('one backup is shown as in the list', async () => {
    const [listed] = (await get('/api/v1/backup/json')).body as unknown[]
    expect(await get(`/api/v1/backup/info/file/${backup}`)).toMatchObject({ status: 200, body: listed })
  })

  test.each([
    '/api/v1/backup/json?namespace=..%2F..%2Fetc',
    '/api/v1/backup/json?protocol=2&namespace=example.com',
    '/api/v1/backup/json?protocol=2&limit=0',
    '/api/v1/backup/json?protocol=2&limit=1e9',
    '/api/v1/backup/info/file/..%2F..%2Fetc%2Fpasswd',
    '/api/v1/backup/info/file/.owner',
    '/api/v1/backup/info/file/a%00b',
    '/api/v1/backup/info/file/%ff%ff',
    `/api/v1/backup/info/file/${'x'.repeat(300)}`,
    '/api/v1/backup/filelist/dir/a/../../b',
    '/api/v1/backup/filelist/dir/a%2f..%2f..%2fb',
    '/api/v1/backup/files/..?path=a',
  ])('GET %s is refused', async (path) => {
    expect(await get(path)).toMatchObject({ status: expect.toBeOneOf([400, 404]), body: expect.anything() })
  })

  test.each(['dir/../../x', '/etc/passwd', '', 'a//b', '.meta', '..'])(
    'the delete of "%s" is refused, nothing is deleted',
    async (name) => {
      const answer = await post('/api/v1/backup/delete', { form: { files: [backup, name] } })
      expect(answer).toMatchObject({ status: 400, code: 'BAD_INPUT' })
      expect((await get(`/api/v1/backup/info/file/${backup}`)).status).toBe(200)
    },
  )

  test('backups of another server cannot be deleted', async () => {
    const answer = await post('/api/v1/backup/delete', { form: { files: backup, namespace: '10.77.0.12' } })
    expect(answer).toMatchObject({ status: 403, code: 'FORBIDDEN' })
  })

  test('a volume is recovered from its backup', async () => {
    writeFileSync(join(volume, 'notes.txt'), 'damaged')
    const form = {
      namespace: '10.77.0.11',
      destDir: volume,
      app: 'shop',
      proc: 'shop.web.web',
      inUse: 'refuse',
    }
    const rid = ridOf(await post(`/api/v1/backup/full/recover/file/${backup}`, { form }))
    expect(await daemon.ended(rid)).toMatchObject({
      state: 'success',
      args: { inUse: 'refuse', files: null, backup },
    })
  })

  test('inUse defaults to proceed, as in the legacy system', async () => {
    const rid = ridOf(await post(`/api/v1/backup/full/recover/file/${backup}`, { form: { destDir: volume } }))
    expect(await daemon.ended(rid)).toMatchObject({ args: { inUse: 'proceed', namespace: '10.77.0.11' } })
  })

  test.each([
    ['a namespace that is none', 'full/recover/file/x.tar.gz', { namespace: 'x' }],
    ['a word nobody knows', 'full/recover/file/x.tar.gz', { inUse: 'maybe' }],
    ['a name that leads out', 'full/recover/file/..%2Fx.tar.gz', {}],
    ['a directory that leads out', 'full/recover/file/x.tar.gz', { destDir: '/data/../etc' }],
    ['no files of an increment', 'increment/recover/dir/x', {}],
    ['an increment by the route of full backups', 'full/recover/file/x', {}],
    ['files of an increment that lead out', 'increment/recover/dir/x', { files: ['../a'] }],
    ['files of an increment, and all of it', 'increment/recover/dir/x', { files: ['a'], whole: 'true' }],
  ])('a recover with %s is refused', async (_what, path, form) => {
    const answer = await post(`/api/v1/backup/${path}`, { form: form as Record<string, string> })
    expect(answer).toMatchObject({ status: 400, code: 'BAD_INPUT', body: expect.any(String) })
  })

  test('a backup is deleted', async () => {
    const gone = String((await run('full')).result?.file)
    expect(await post('/api/v1/backup/delete', { form: { files: [gone, 'nope.tar.gz'] } })).toMatchObject({
      status: 204,
      body: '',
    })
    expect(await get(`/api/v1/backup/info/file/${gone}`)).toMatchObject({ status: 503, code: 'NOT_FOUND' })
  })
})

describe('the daemon itself', () => {
  test('debug describes the daemon, and the room of its store without waiting for the store', async () => {
    const { body } = await get('/api/v1/debug')
    const debug = debugSchema.parse(body)
    expect(debug).toMatchObject({
      protocol: 2,
      ip: '10.77.0.11',
      version: '0.0.0-test',
      crond_status: 'started',
    })
    expect(debug.daemonId).toMatch(/^[0-9a-f]{32}$/)
    expect(debug.capabilities).toContain('news')
    await expect
      .poll(async () => debugSchema.parse((await get('/api/v1/debug')).body).store?.freeBytes)
      .toBeGreaterThan(0)
  })

  test('debug names the list of jobs, and to a poll what changed in it since', async () => {
    await using other = await startTestDaemon()
    const job = { id: 'j', spec: '0 5 1 1 *', action: 'test', args: {}, type: 'cron', sleep: false }
    await other.ask('PUT', '/api/v1/cron/jobs', { form: { data: JSON.stringify([job]), version: 'v1' } })
    const debug = async (query = '') =>
      debugSchema.parse((await other.ask('GET', `/api/v1/debug${query}`)).body)
    const first = await debug()
    expect(first).toMatchObject({ jobsVersion: 'v1', mem_stats: expect.anything() })
    expect(first.times).toBeUndefined()
    const poll = (version = '') => debug(`?list=${version}`)
    expect((await poll()).times).toBeUndefined()
    const same = await poll(first.listVersion)
    expect([same.listVersion, same.times, same.mem_stats]).toEqual([first.listVersion, undefined, undefined])
    await other.ask('POST', '/api/v1/cron/jobs/j/actions/sleep')
    const changed = await poll(first.listVersion)
    expect(changed.listVersion).not.toBe(first.listVersion)
    expect(changed.times).toEqual([{ id: 'j', prev: NEVER, next: NEVER, sleep: true }])
  })

  test('updateTime is never until a list of jobs arrives', async () => {
    await using other = await startTestDaemon()
    const before = Date.now()
    expect((await other.ask('GET', '/api/v1/debug')).body).toMatchObject({ updateTime: NEVER })
    await other.ask('PUT', '/api/v1/cron/jobs', { form: { data: '[]', version: 'v1' } })
    const { updateTime } = debugSchema.parse((await other.ask('GET', '/api/v1/debug')).body)
    expect(isoTime(Date.parse(updateTime)) >= isoTime(before)).toBe(true)
  })

  test('healthz', async () => {
    expect(await get('/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } })
  })

  test.each([
    ['none', {}],
    ['no URL', { addr: 'nonsense' }],
    ['another scheme', { addr: 'file:///etc/passwd' }],
    ['one of many', { addr: ['http://10.0.0.1/x', 'ftp://10.0.0.1/x'] }],
    ['too many', { addr: Array.from({ length: 51 }, (_, n) => `http://10.0.0.1/${n}`) }],
  ])('a notify address that is %s is refused, and none is added', async (_what, form) => {
    expect(await put('/api/v1/notify', { form: form as Record<string, string> })).toMatchObject({
      status: 400,
      code: 'BAD_INPUT',
    })
    expect((await get('/api/v1/notify')).body).toEqual({ addr: [] })
  })

  test.each([
    ['a form that is too large', { form: { files: 'x'.repeat(1024 * 1024 + 1) } }, 413],
    ['a type nobody knows', { raw: '<a/>', headers: { 'content-type': 'text/xml' } }, 415],
    ['a field that should be a text', { json: { files: [{ a: 1 }] } }, 400],
    ['a field that should be a text, nested', { json: { namespace: { $gt: '' } } }, 400],
    ['JSON that is cut off', { raw: '{"files":', headers: { 'content-type': 'application/json' } }, 400],
  ])('%s is refused with a sentence', async (_what, question, status) => {
    const answer = await post('/api/v1/backup/delete', question as HttpQuestion)
    expect(answer).toMatchObject({ status, code: 'BAD_INPUT', type: 'application/json; charset=UTF-8' })
    expect(String(answer.body)).toMatch(/^[A-Z"].{20}/)
  })

  test('a body shorter than its Content-Length, and an invalid path, get an answer', async () => {
    expect((await get('/api/v1/cron/jobs/%zz')).status).toBe(400)
    expect(await daemon.ask('DELETE', '/api/v1/cron/jobs')).toMatchObject({
      status: 404,
      body: { msg: '404 not found' },
    })
  })
})
