import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { NEVER } from '../../src/lib/clock.ts'
import * as backup from '../../src/wire/backup.ts'
import * as daemonApi from '../../src/wire/daemon-api.ts'
import * as job from '../../src/wire/job.ts'
import * as record from '../../src/wire/record.ts'
import * as snapshot from '../../src/wire/snapshot.ts'
import { ridOf, sampleBackup, sampleProgress, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'
import {
  askGraphQL,
  type StartOptions,
  startTestController,
  testFolder,
  toldInventory,
} from '../support/real-controller.ts'
import { scriptedDaemon } from '../support/scripted-daemon.ts'

const IP = '10.0.0.1'

/** Every parser of messages from outside. */
const EXPORTED: [string, unknown][] = Object.entries({
  ...backup,
  ...daemonApi,
  ...job,
  ...record,
  ...snapshot,
})
const PARSERS = EXPORTED.filter((entry): entry is [string, z.ZodType] => entry[1] instanceof z.ZodType)

const NASTY = [
  ...[3e9, 1.5, -1, 1e308, 2 ** 53, 0, '', 'never', '+033658-09-27T01:46:40.000Z', '9999-99-99T99:99:99Z'],
  ...[null, true, [], {}, [null], { a: 1 }, '\u009b31m\u001b[2J\n', '\ud800', '../..', '127.0.0.77:1/#'],
  'x'.repeat(5000),
  JSON.parse('{"__proto__":{"polluted":1}}'),
  JSON.parse(`${'['.repeat(1000)}${']'.repeat(1000)}`),
] as const

/** The places of a value: paths to everything in it. */
function placesIn(value: unknown, at: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [at]
  return [at, ...Object.entries(value).flatMap(([key, inner]) => placesIn(inner, [...at, key]))]
}

function put(value: unknown, [first, ...rest]: string[], nasty: unknown): unknown {
  if (first === undefined) return nasty
  const copy = Array.isArray(value) ? [...value] : { ...(value as object) }
  Object.assign(copy, { [first]: put((value as Record<string, unknown>)[first], rest, nasty) })
  return copy
}

/** A good value with something nasty somewhere in it. */
function spoilt(good: unknown): fc.Arbitrary<unknown> {
  const nasty = fc.oneof(fc.constantFrom<unknown>(...NASTY), fc.jsonValue())
  return fc.tuple(fc.constantFrom(...placesIn(good)), nasty).map(([place, bad]) => put(good, place, bad))
}

const whole = sampleRecord({
  rid: ridOf(2),
  state: 'partial',
  end: '2026-11-23T08:45:00Z',
  error: { code: 'STORE_FULL', message: 'full', facts: { free: 1 } },
  warnings: ['a'],
  warningCount: 1,
  progress: sampleProgress(7),
  result: {
    file: 'f.tar.gz',
    size: 1,
    backup: sampleBackup({ series: { snapshots: 1, newest: 'a', lastGood: null } }),
    entriesRestored: 1,
    filesNew: 1,
  },
})

const LISTS = `{
  records { totalCount nodes { rid state start end reason warningCount warnings attempt args instanceNo volume
    error { code message facts } progress { phase bytesDone filesDone etaSeconds bytesPerSecond }
    result { file size entriesRestored filesNew backup { name created } } } }
  backups { totalCount nodes { id name created size fileCount contentBytes instanceNo corrupt verified { at rid method share } holds
    containers snapshotCount source sha256 } }
  servers { ip lastSeen runningTasks protocol capabilities version problems store { driver freeBytes totalBytes } }
  jobs { id prevRun nextRun asleep spec args problem }
}`

interface Lists {
  records: { totalCount: number; nodes: { rid: string; start: string; reason: string | null }[] }
  backups: { totalCount: number; nodes: { name: string; created: string; corrupt: string | null }[] }
  servers: { problems: string[] }[]
}

async function askLists(url: string): Promise<Lists> {
  const answer = await askGraphQL<Lists>(url, LISTS)
  expect(answer.errors).toBeUndefined()
  const { data } = answer
  if (!data) throw new Error(`no data, status ${answer.status}`)
  const told = JSON.stringify([data.servers, data.records.nodes.map(({ reason }) => reason)])
  expect(told).not.toMatch(/\p{Cc}/u)
  return data
}

/** Fields that a daemon is asked for on demand. */
const INSIDE = `{
  apps { name procs { name instances { no volumes { name path lastGood { name created } } } } }
  backups(first: 2) { nodes { name
    snapshots(first: 2) { id created partial suspect corrupt good size fileCount bytesAdded }
    files(first: 2) { nodes { path type size mode uid gid modified linkTarget sha256 } pageInfo { endCursor } }
    history(path: "a", first: 2) { nodes { snapshot created change file { path modified } } }
    diff(from: "ab", first: 2) { nodes { path change before { size } after { path modified } } } } }
}`

function start(options: StartOptions) {
  return startTestController({
    inventory: toldInventory(given.app('hello').proc('web').on(IP).volume('/data/db').inventory()),
    ...options,
  })
}

async function post(url: string, body: unknown): Promise<number> {
  const response = await fetch(`${url}/api/v2/system/notify`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  await response.body?.cancel()
  return response.status
}

function newsOf(records: unknown[]) {
  return { protocol: 2, daemonId: 'x', server: IP, records, running: [] }
}

test('no parser of src/wire throws, whatever its input is', () => {
  expect(PARSERS.length).toBeGreaterThan(20)
  const anything = fc.oneof(fc.jsonValue(), spoilt(whole), spoilt(sampleBackup()), spoilt(newsOf([whole])))
  fc.assert(
    fc.property(anything, (value) => {
      for (const [name, parser] of PARSERS) expect(() => parser.safeParse(value), name).not.toThrow()
    }),
    { numRuns: 300 },
  )
})

test('bad records are set aside one by one, the others count, and every list answers', async () => {
  const { url } = await start({ folder: await testFolder() })
  let at = 10
  await fc.assert(
    fc.asyncProperty(fc.array(spoilt(whole), { minLength: 1, maxLength: 20 }), async (bad) => {
      const good = sampleRecord({ rid: ridOf(at++) })
      expect(await post(url, newsOf([...bad, good]))).toBe(200)
      const { records } = await askLists(url)
      expect(records.nodes.map(({ rid }) => rid)).toContain(good.rid)
    }),
    { numRuns: 15 },
  )
  expect((await askLists(url)).servers[0]?.problems.join('\n')).toMatch(/Set aside \d+ records/)
})

test('news is accepted whatever its hints are, such as the runs of a daemon that has more than are read', async () => {
  const { url } = await start({ folder: await testFolder() })
  const hints = [{ running: Array.from({ length: 10_001 }, (_, at) => ridOf(at)) }, { times: null }]
  for (const [at, hint] of [...hints, { times: Array(1001).fill({}) }].entries()) {
    const good = sampleRecord({ rid: ridOf(at) })
    expect(await post(url, { ...newsOf([good]), ...hint })).toBe(200)
    expect((await askLists(url)).records.nodes.map(({ rid }) => rid)).toContain(good.rid)
  }
})

test('every list of the controller answers, whatever a daemon sends', async () => {
  const good = {
    debug: {
      crond_status: 'started',
      running_tasks: 0,
      startTime: NEVER,
      updateTime: NEVER,
      protocol: 2,
      capabilities: ['news'],
      daemonId: 'd',
      ip: IP,
      version: '1',
      running: [],
      problems: ['p'],
      store: { driver: 'local', freeBytes: 1, totalBytes: 2, trashBytes: null, quota: null, error: null },
    },
    jobs: [
      {
        prev: NEVER,
        next: '2026-11-24T05:00:00Z',
        job: { id: 'a', spec: '@daily', action: 'backup', args: {}, type: 'cron', sleep: false },
      },
    ],
    json: { backups: [sampleBackup()], next: null },
  }
  await fc.assert(
    fc.asyncProperty(spoilt(good), async (bad) => {
      const answers = Object(bad) as Record<string, unknown>
      const { url: daemonUrl } = await scriptedDaemon(({ path }) => {
        const body = answers[path.split('/').at(-1) ?? '']
        return body === undefined ? { status: 404, body: {} } : { body }
      })
      const { url, close } = await start({ folder: await testFolder(), daemonUrls: { [IP]: daemonUrl } })
      await askLists(url)
      await close()
    }),
    { numRuns: 12 },
  )
})

test('whatever a daemon says about the content of backups, no answer is INTERNAL or has raw terminal controls', async () => {
  const created = '2026-11-23T08:45:00Z'
  const file = {
    path: 'a',
    type: 'file',
    size: 1,
    mode: 0o644,
    uid: 1,
    gid: 1,
    modified: created,
    linkTarget: null,
    sha256: null,
  }
  const point = {
    id: 'ab'.repeat(32),
    created,
    sequence: 1,
    state: 'success',
    suspect: null,
    corrupt: null,
    good: true,
    mirror: false,
    size: 1,
    files: 1,
    added: 1,
    rid: ridOf(1),
    jobId: 'j',
  }
  const name = 'hello-hello.web.web-1-data-db'
  const series = { snapshots: 1, newest: point.id, lastGood: null }
  const backup = sampleBackup({ server: IP, name, mode: 'increment', series })
  const debug = {
    crond_status: 'started',
    running_tasks: 0,
    startTime: NEVER,
    updateTime: NEVER,
    protocol: 2,
  }
  const good = {
    snapshots: { snapshots: [point], next: null },
    files: { files: [file], next: null },
    history: { versions: [{ snapshot: point.id, created, change: 'added', file }], next: null },
    diff: { changes: [{ path: 'a', change: 'content', before: file, after: file }], next: null },
  }
  let answers: Record<string, unknown> = good
  const { url: daemonUrl } = await scriptedDaemon(({ path, method }) => {
    if (method !== 'GET') return {}
    if (path.endsWith('/jobs')) return { body: [] }
    if (path.endsWith('/debug')) return { body: { ...debug, capabilities: ['snapshots', 'diff', 'history'] } }
    if (path.endsWith('/json')) return { body: { backups: [backup], next: null } }
    const body = answers[path.split('/').at(-2) ?? '']
    return body === undefined ? { status: 404, body: {} } : { body }
  })
  const { url } = await start({ folder: await testFolder(), daemonUrls: { [IP]: daemonUrl } })
  const ask = () => askGraphQL<Record<string, unknown[]>>(url, INSIDE)
  const whole = async () => JSON.stringify(await ask())
  await expect.poll(whole).toContain(`"snapshot":"${point.id}"`)
  expect(await whole()).not.toContain('"errors"')
  await fc.assert(
    fc.asyncProperty(spoilt(good), async (bad) => {
      answers = Object(bad)
      const answer = await ask()
      expect(JSON.stringify(answer.errors ?? [])).not.toContain('INTERNAL')
      expect(JSON.stringify(answer).replaceAll('\\n', '')).not.toMatch(/[\u007f-\u009f]|\\u00[01]/)
    }),
    { numRuns: 80 },
  )
})

test('bad rows that an earlier version stored hide no list', async () => {
  const folder = await testFolder()
  const before = await start({ folder })
  const good = sampleRecord({ rid: ridOf(3) })
  expect(await post(before.url, newsOf([whole, good]))).toBe(200)
  await before.close()
  const db = new Database(join(folder, 'controller', 'catalog.db'))
  const json = JSON.stringify({ ...whole, start: 'never', warningCount: 3e9, server: '127.0.0.77:1/#' })
  db.prepare('UPDATE Record SET json = ? WHERE rid = ?').run(json, whole.rid)
  db.prepare('UPDATE Record SET json = ? WHERE rid = ?').run('{"rid": ', good.rid)
  db.prepare(
    `UPDATE Backup SET created = 'never', files = 3000000000, containers = '{', instanceNo = -1`,
  ).run()
  db.close()
  const { url } = await start({ folder })
  const { records, backups } = await askLists(url)
  expect(records.nodes.map(({ rid }) => rid).sort()).toEqual([whole.rid, good.rid].sort())
  expect(records.nodes.map(({ reason }) => reason)).toContainEqual(expect.stringContaining('can be read'))
  expect(backups.nodes).toMatchObject([{ corrupt: expect.stringContaining('its description is not valid') }])
})
