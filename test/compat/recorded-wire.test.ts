import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type StartedDaemon, startTestDaemon } from '../support/daemon-start.ts'

/** One recorded exchange with the legacy daemon. */
interface Exchange {
  name: string
  method: string
  path: string
  form: Record<string, string[]> | null
  status: number
  type: string
  body: unknown
}

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d*[1-9])?Z$/)
const RID = { rid: expect.stringMatching(/^\d{10}[0-9a-f]{32}$/) }
const JOB = '0a4d000bffffffffffffffffffffffffffffffff'

interface Right {
  /** Why ours is not what was recorded. */
  why: string
  status?: number
  body(recorded: unknown): unknown
}

const OWN_TIMES = 'its own times'
const OWN_RID = 'its own rid'
const OWN_BACKUPS = 'its own names, sizes, times'
const OWN_RUNTIME = 'its own runtime, and our fields beside'
const COUNTS = 'CORRECTED: counts; the recorded daemon takes "count" for a job'

/** The right answers, if the legacy system is wrong or its answer depends on its own time or runtime. */
const RIGHT: Record<string, Right> = {
  'daemon jobs count': { why: COUNTS, status: 200, body: () => ({ count: 4 }) },
  'daemon count after set': { why: COUNTS, status: 200, body: () => ({ count: 1 }) },
  'daemon jobs': { why: OWN_TIMES, body: anyTimes },
  'daemon jobs filtered': { why: OWN_TIMES, body: anyTimes },
  'daemon jobs after set': { why: OWN_TIMES, body: anyTimes },
  'daemon once': { why: OWN_RID, body: () => RID },
  'daemon action run': { why: OWN_RID, body: () => RID },
  'daemon recover missing': { why: OWN_RID, body: () => RID },
  'daemon backups': { why: OWN_BACKUPS, body: anyBackups },
  'daemon backups by dir': { why: OWN_BACKUPS, body: anyBackups },
  'daemon debug stopped': { why: OWN_RUNTIME, body: anyRuntime },
  'daemon debug': { why: OWN_RUNTIME, body: anyRuntime },
}

/** One line of the table: route, record, ours, verdict. */
function lineOf({ name, method, path, status, body }: Exchange, ours: number): string {
  const says = status >= 400 && typeof body === 'string' ? 'same, and what to do' : 'same'
  return [
    `${method} ${path}`.replace(/dir=.*\/volumes\//, 'dir=…/').padEnd(80),
    String(status).padEnd(6),
    String(ours).padEnd(6),
    RIGHT[name]?.why ?? says,
  ].join(' ')
}

function jobsOf(listed: unknown): unknown[] {
  return (listed as { job: unknown }[]).map(({ job }) => job)
}

function anyTimes(recorded: unknown): unknown {
  const jobs = jobsOf(recorded)
  return expect.toSatisfy((printed: unknown) => {
    expect(printed).toHaveLength(jobs.length)
    expect(printed).toEqual(expect.arrayContaining(jobs.map((job) => ({ prev: TIME, next: TIME, job }))))
    return true
  })
}

function anyBackups(recorded: unknown): unknown {
  const name = expect.stringMatching(/^hello-hello\.web\.web-1-data-db-\d{10}\.tar\.gz$/)
  return (recorded as object[]).map((backup) => ({
    ...backup,
    name,
    size: expect.any(Number),
    created: TIME,
  }))
}

function anyRuntime(recorded: unknown): unknown {
  const { crond_status } = recorded as { crond_status: string }
  return expect.objectContaining({
    crond_status,
    goroutines: expect.any(Number),
    mem_stats: expect.objectContaining({ Alloc: expect.any(Number), HeapAlloc: expect.any(Number) }),
    running_tasks: 0,
    startTime: TIME,
    updateTime: TIME,
  })
}

/** A refusal begins with the recorded words; the rest stays word for word. */
function expectedBody({ name, status, body }: Exchange): unknown {
  const right = RIGHT[name]
  if (right) return right.body(body)
  if (status >= 400 && typeof body === 'string')
    return expect.toSatisfy((words: unknown) => String(words).startsWith(body))
  return body
}

let daemon: StartedDaemon
let exchanges: Exchange[]

beforeAll(async () => {
  daemon = await startTestDaemon()
  const volumes = join(daemon.dir, 'volumes')
  mkdirSync(join(volumes, 'hello/hello.web.web/1/data/db'), { recursive: true })
  writeFileSync(join(volumes, 'hello/hello.web.web/1/data/db/a'), 'one\n')
  const recorded = readFileSync('test/fixtures/wire/daemon.json', 'utf8')
  exchanges = JSON.parse(recorded.replaceAll('/data/lain/volumes', volumes))
  await daemon.ask('PUT', '/api/v1/notify', { form: { addr: 'http://10.77.0.1:9002/api/v2/system/notify' } })
  const jobs = jobsOf(exchanges.at(0)?.body)
  await daemon.ask('PUT', '/api/v1/cron/jobs', { form: { data: JSON.stringify(jobs), version: 'v0' } })
})

afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]()
})

test('every recorded exchange has the recorded status, type and shape', async () => {
  const runs: string[] = []
  const table = [`${'route'.padEnd(80)} record ours   verdict`]
  for (const exchange of exchanges) {
    if (exchange.name === 'daemon backups')
      for (const rid of runs) expect(await daemon.ended(rid)).toMatchObject({ state: 'success' })
    if (exchange.name === 'daemon debug stopped') for (const rid of runs) await daemon.ended(rid)
    const { form } = exchange
    const answer = await daemon.ask(exchange.method, exchange.path, form === null ? {} : { form })
    expect({ name: exchange.name, status: answer.status, type: answer.type, body: answer.body }).toEqual({
      name: exchange.name,
      status: RIGHT[exchange.name]?.status ?? exchange.status,
      type: exchange.type,
      body: expectedBody(exchange),
    })
    table.push(lineOf(exchange, answer.status))
    if (typeof answer.body === 'object' && answer.body !== null && 'rid' in answer.body)
      runs.push(String(answer.body.rid))
  }
  console.log(table.join('\n'))
  expect(table).toHaveLength(exchanges.length + 1)
  expect(runs).toHaveLength(3)
  expect((await daemon.ended(runs[2] ?? '')).state).toBe('failed')
})

test('the name of an action is accepted in any case, as in the legacy system', async () => {
  const act = (action: string) => daemon.ask('POST', `/api/v1/cron/jobs/${JOB}/actions/${action}`)
  expect(await act('Sleep')).toMatchObject({ status: 201 })
  expect((await daemon.ask('GET', `/api/v1/cron/jobs/${JOB}`)).body).toMatchObject({ sleep: true })
  expect(await act('WAKEUP')).toMatchObject({ status: 204 })
})

test('an unknown action on a job is 400, and changes nothing', async () => {
  const answer = await daemon.ask('POST', `/api/v1/cron/jobs/${JOB}/actions/explode`)
  expect(answer).toMatchObject({
    status: 400,
    code: 'BAD_INPUT',
    body: expect.stringContaining('run, sleep, wakeup'),
  })
})
