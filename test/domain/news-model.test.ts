import fc from 'fast-check'
import { expect, test } from 'vitest'
import { acceptNews, admitNews } from '../../src/domain/accept-news.ts'
import { tick } from '../../src/domain/controller.ts'
import { SILENT_AFTER_MS } from '../../src/domain/lost-records.ts'
import type { KeptRecord } from '../../src/domain/ports.ts'
import { isoTime } from '../../src/lib/clock.ts'
import { BackupdError } from '../../src/lib/errors.ts'
import { type BackupInfo, isGood } from '../../src/wire/backup.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { ridOf, sampleBackup, sampleProgress, sampleRecord } from '../support/catalog-samples.ts'
import type { InMemory } from '../support/given/in-memory.ts'
import { given } from '../support/given.ts'

// Batches of news in any order, repeated, refused, with lost answers, senders that give up, and runs that were called
// lost meanwhile: the catalog is that of a model which looks at all versions at once.

const NAMES = ['a.tar.gz', 'b.tar.gz', 'c.tar.gz', 'd.tar.gz']
const SERIES = 'hello-hello.web.web-1-data-db'
const SOURCE = '/srv/db'
const BEGIN = Date.parse('2026-11-23T08:00:00Z')
/** Job '' is a run that was asked for once. */
const JOBS = ['', 'aa', 'bb']

/** What one run did: how far its reports go, and what it changed in the store. */
const lifeArbitrary = fc.record({
  server: fc.nat({ max: 1 }),
  job: fc.constantFrom(...JOBS),
  progress: fc.integer({ min: 0, max: 3 }),
  end: fc.constantFrom('success', 'success', 'partial', 'failed', 'cancelled', undefined),
  effect: fc.constantFrom('nothing', 'backup', 'backup', 'backup', 'snapshot', 'snapshot', 'delete'),
  name: fc.constantFrom(...NAMES),
  isGood: fc.integer({ min: 0, max: 3 }).map((die) => die > 0),
})
type Life = typeof lifeArbitrary extends fc.Arbitrary<infer T> ? T : never

/** One post: which of its server's versions it has, in which order, and what becomes of it. */
const postArbitrary = fc.record({
  server: fc.nat({ max: 1 }),
  picks: fc.array(fc.nat(), { minLength: 1, maxLength: 12 }),
  /** The sender gives up at once; it may be taken all the same, or not. */
  isGone: fc.boolean(),
  /** The next post arrives before this one is answered, and may be refused. */
  isAnswered: fc.boolean(),
  /** Nothing is heard before it for so long that what runs is called lost. */
  isLate: fc.integer({ min: 0, max: 5 }).map((die) => die === 0),
})
type Post = typeof postArbitrary extends fc.Arbitrary<infer T> ? T : never

/** Two servers of a controller that no other case has used. */
interface Lane {
  kit: InMemory
  servers: [string, string]
  /** The number of its first run. */
  first: number
}

/** Many cases share a controller, because each case needs few of its servers and a new catalog takes time. */
function openLanes(perController = 60): () => Promise<Lane> {
  let [used, kit]: [number, InMemory | undefined] = [0, undefined]
  return async () => {
    const at = used++ % perController
    const ips = Array.from({ length: 2 * perController }, (_, n) => `10.1.${n >> 1}.${1 + (n & 1)}`)
    if (at === 0)
      kit = await given
        .app('hello')
        .proc('web')
        .on(...ips)
        .volume('/data/db')
        .inMemory({ newsLimits: { posts: 2 } })
    const [one = '', other = ''] = ips.slice(2 * at)
    return { kit: kit as InMemory, servers: [one, other], first: used * 16 }
  }
}

/** All versions of a run, oldest first. */
function versionsOf(life: Life, at: number, { servers, first }: Lane): RunRecord[] {
  const [server, rid, jobId] = [servers[life.server] ?? '', ridOf(first + at), makeJobId(servers, life)]
  const begun = sampleRecord({ rid, server, jobId, start: isoTime(BEGIN + at * 1000) })
  const running = Array.from({ length: life.progress + 1 }, (_, n) => ({
    ...begun,
    seq: n + 1,
    progress: n === 0 ? null : sampleProgress(n),
  }))
  const versions: RunRecord[] = [{ ...begun, seq: 0, state: 'queued' }, ...running]
  if (life.end === undefined) return versions
  const end = isoTime(BEGIN + (1000 + at) * 1000)
  return [
    ...versions,
    { ...begun, seq: life.progress + 5, state: life.end, end, result: makeResult(life, begun, at) },
  ]
}

function makeJobId(servers: readonly string[], { server, job }: Life): string {
  const hex = servers[server]?.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))
  return job === '' ? '' : `${hex?.join('')}${job}`
}

function makeResult(life: Life, { rid, server, jobId }: RunRecord, at: number): RunRecord['result'] {
  const { effect, name, isGood: good } = life
  if (effect === 'nothing') return null
  if (effect === 'delete') return { deleted: [name] }
  const created = isoTime(BEGIN + at * 1000 + 500)
  const suspect = good ? null : 'it is empty'
  const made = { server, rid, jobId, source: SOURCE, sequence: at + 1, created, suspect }
  if (effect === 'backup') return { backup: sampleBackup({ ...made, name }) }
  const lastGood = good ? { id: rid, created } : null
  const series = { snapshots: at + 1, newest: rid, lastGood }
  return { backup: sampleBackup({ ...made, name: SERIES, mode: 'increment', series }) }
}

/** Delivers a post by way of the gate. A refused one is not taken; its daemon sends the same again later. */
async function deliver(
  kit: InMemory,
  post: { server: string; records: RunRecord[]; isGone: boolean },
): Promise<void> {
  const { server, records, isGone } = post
  const gone = new AbortController()
  try {
    const rids = records.map(({ rid }) => rid)
    using _place = admitNews(kit.world, { server, rids, records: records.length }, { from: server })
    const news = { protocol: 2 as const, daemonId: 'x', server, records, running: [] }
    const taken = acceptNews(kit.world, news, { from: server, gone: gone.signal })
    if (isGone) gone.abort()
    await taken
  } catch (error) {
    if (!(error instanceof BackupdError) || error.code !== 'OVERLOADED') throw error
  }
}

/** Lets the posts arrive, then all that each daemon has, with an answer. */
async function deliverAll(
  { kit, servers }: Lane,
  posts: readonly Post[],
  versions: readonly RunRecord[],
): Promise<void> {
  const unanswered: Promise<void>[] = []
  for (const { server: at, picks, isGone, isAnswered, isLate } of posts) {
    if (isLate) await callLost(kit)
    const server = servers[at] ?? ''
    const own = versions.filter((record) => record.server === server)
    const records = picks.flatMap((pick) => own[pick % own.length] ?? [])
    const answer = deliver(kit, { server, records, isGone })
    unanswered.push(answer)
    if (isAnswered) await answer
  }
  await Promise.all(unanswered)
  for (const server of servers) {
    const records = versions.filter((record) => record.server === server)
    if (records.length > 0) await deliver(kit, { server, records, isGone: false })
  }
  await kit.world.background.settled()
}

/** No daemon knows any run that it is asked about. */
async function callLost({ world, clock }: InMemory): Promise<void> {
  clock.move(SILENT_AFTER_MS + 1)
  tick(world)
  await world.background.settled()
}

/** Of the versions of a run, the last one counts. */
function lastOf(lives: readonly (readonly RunRecord[])[]): RunRecord[] {
  return lives.map((versions) => versions.at(-1) as RunRecord)
}

/** Of the reports on a backup, a deletion or else the latest. */
function storedAfter(records: readonly RunRecord[]): BackupInfo[] {
  const backups = new Map<string, BackupInfo>()
  const ended = records.filter(({ end }) => end !== null)
  for (const { result } of ended.toSorted((a, b) => (a.end ?? '').localeCompare(b.end ?? '')))
    if (result?.backup) backups.set(`${result.backup.server} ${result.backup.name}`, result.backup)
  for (const { server, result } of ended)
    for (const name of result?.deleted ?? []) backups.delete(`${server} ${name}`)
  return [...backups.values()]
}

function modelOf(lives: readonly (readonly RunRecord[])[]) {
  const records = lastOf(lives)
  const backups = storedAfter(records)
  return describe(records, backups, {
    lastOfJobs: new Map(records.map((record) => [record.jobId, record])),
    lastGood: new Map(
      [...Map.groupBy(backups, ({ server }) => server)].flatMap((one) => [...pickLastGood(one)]),
    ),
  })
}

/** Of the newest good archive and the series, the one with the later good point. */
function* pickLastGood([server, backups]: [string, BackupInfo[]]): Generator<[string, BackupInfo]> {
  const good = backups.filter((backup) => (backup.series ? backup.series.lastGood : isGood(backup)))
  const [archive] = good.filter(({ series }) => !series).toSorted((a, b) => b.sequence - a.sequence)
  const candidates = [archive, good.find(({ series }) => series)].filter((backup) => backup !== undefined)
  const [last] = candidates.toSorted((a, b) => b.created.localeCompare(a.created))
  if (last) yield [`${server} ${SOURCE}`, last]
}

async function catalogOf({ kit, servers }: Lane, jobIds: readonly string[]) {
  const { records, backups } = kit.catalog
  const found = await Promise.all(servers.map((server) => records.find({ server }, { first: 100 })))
  const listed = await Promise.all(servers.map((server) => backups.find({ server }, { first: 100 })))
  return describe(
    found.flatMap(({ items }) => items.map(({ node }) => node)),
    listed.flatMap(({ items }) => items.map(({ node }) => node)),
    {
      lastOfJobs: await records.lastOfJobs(jobIds),
      lastGood: await backups.lastGood(servers.map((server) => ({ server, source: SOURCE }))),
    },
  )
}

interface Newest {
  lastOfJobs: Map<string, RunRecord>
  lastGood: Map<string, BackupInfo>
}

/** Comparable, in one order. */
function describe(records: RunRecord[], backups: BackupInfo[], { lastOfJobs, lastGood }: Newest) {
  const jobs = [...lastOfJobs].filter(([jobId]) => jobId !== '')
  return {
    records: records.map(({ rid, state, seq }) => `${rid} ${state} ${seq}`).sort(),
    backups: backups.map(({ server, name, rid }) => `${server} ${name} ${rid}`).sort(),
    lastOfJobs: jobs.map(([jobId, { rid, state }]) => `${jobId} ${rid} ${state}`).sort(),
    lastGood: [...lastGood].map(([volume, { name, rid }]) => `${volume} ${name} ${rid}`).sort(),
  }
}

/** Each version is told once and in order; only one that was called lost may be told again. */
function checkEvents(events: readonly KeptRecord[]): void {
  for (const [rid, changes] of Map.groupBy(events, ({ record }) => record.rid))
    for (const [at, { record }] of changes.entries()) {
      const before = changes[at - 1]?.record
      if (!before) continue
      const isRepeated = before.state === 'lost' || record.state === 'lost'
      expect(record.seq, rid).toBeGreaterThanOrEqual(isRepeated ? before.seq : before.seq + 1)
      expect(record.state, rid).not.toBe(before.state)
    }
}

test('any order, repetition and loss of batches gives the same catalog as a simple model', async () => {
  const lives = fc.array(lifeArbitrary, { minLength: 1, maxLength: 12, size: '+1' })
  const posts = fc.array(postArbitrary, { maxLength: 12 })
  const openLane = openLanes()
  await fc.assert(
    fc.asyncProperty(lives, posts, async (someLives, somePosts) => {
      const lane = await openLane()
      const { kit } = lane
      const versions = someLives.map((life, at) => versionsOf(life, at, lane))
      const { upTo } = await kit.catalog.records.keptEvents()
      // The store has what all runs leave, so it may be listed at any time.
      const stored = storedAfter(lastOf(versions))
      for (const ip of lane.servers) kit.daemons.at(ip).backups = stored
      await deliverAll(lane, somePosts, versions.flat())
      const jobIds = [...new Set(versions.flat().map(({ jobId }) => jobId))].filter((jobId) => jobId !== '')
      expect(await catalogOf(lane, jobIds)).toEqual(modelOf(versions))
      checkEvents(await kit.catalog.records.eventsSince(upTo, {}, 10_000))
      expect(kit.world.newsGate.waiting).toEqual({ posts: 0, records: 0, bytes: 0 })
    }),
    { numRuns: 120 },
  )
}, 120_000)
