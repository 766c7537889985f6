import fc from 'fast-check'
import { expect, test } from 'vitest'
import { acceptNews } from '../../src/domain/accept-news.ts'
import type { World } from '../../src/domain/world.ts'
import { isoTime } from '../../src/lib/clock.ts'
import type { BackupInfo } from '../../src/wire/backup.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { ridOf, sampleBackup, sampleProgress, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'

// Batches of news in any order, repeated, with lost answers and senders that give up: the catalog is that of a model
// which looks at all versions at once.

const SERVERS = ['10.0.0.1', '10.0.0.2'] as const
const NAMES = ['a.tar.gz', 'b.tar.gz', 'c.tar.gz']
const BEGIN = Date.parse('2026-11-23T08:00:00Z')

/** What one run did: how far its reports go, and what it changed in the store. */
const lifeArbitrary = fc.record({
  server: fc.constantFrom(...SERVERS),
  progress: fc.integer({ min: 0, max: 3 }),
  end: fc.constantFrom('success', 'partial', 'failed', 'cancelled', undefined),
  effect: fc.constantFrom('nothing', 'backup', 'delete'),
  name: fc.constantFrom(...NAMES),
})
type Life = typeof lifeArbitrary extends fc.Arbitrary<infer T> ? T : never

/** One post: which of its server's versions it has, in which order, and what becomes of it. */
const postArbitrary = fc.record({
  server: fc.constantFrom(...SERVERS),
  picks: fc.array(fc.nat(), { minLength: 1, maxLength: 12 }),
  /** The sender gives up at once; it may be taken all the same, or not. */
  isGone: fc.boolean(),
  /** The next post arrives before this one is answered. */
  isAnswered: fc.boolean(),
})
type Post = typeof postArbitrary extends fc.Arbitrary<infer T> ? T : never

/** All versions of a run, oldest first. */
function versionsOf({ server, progress, end, effect, name }: Life, at: number): RunRecord[] {
  const begun = sampleRecord({ rid: ridOf(at + 1), server, jobId: '', start: isoTime(BEGIN + at * 1000) })
  const running = Array.from({ length: progress + 1 }, (_, n) => ({
    ...begun,
    seq: n + 1,
    progress: n === 0 ? null : sampleProgress(n),
  }))
  const versions: RunRecord[] = [{ ...begun, seq: 0, state: 'queued' }, ...running]
  if (end === undefined) return versions
  const results: Record<Life['effect'], RunRecord['result']> = {
    nothing: null,
    backup: { backup: sampleBackup({ server, name, rid: begun.rid, jobId: '' }) },
    delete: { deleted: [name] },
  }
  const endedAt = isoTime(BEGIN + (1000 + at) * 1000)
  const ended = { ...begun, seq: progress + 5, state: end, end: endedAt, result: results[effect] }
  return [...versions, ended]
}

async function deliver(world: World, post: Post, versions: readonly RunRecord[]): Promise<void> {
  const own = versions.filter(({ server }) => server === post.server)
  const records = post.picks.flatMap((pick) => own[pick % own.length] ?? [])
  const { server } = post
  const gone = new AbortController()
  const news = { protocol: 2 as const, daemonId: 'x', server, records, running: [] }
  const taken = acceptNews(world, news, { from: server, gone: gone.signal }).catch((error) => {
    if (!post.isGone) throw error
  })
  if (post.isGone) gone.abort()
  if (post.isAnswered) await taken
}

/** Of the versions of a run, the last one counts. Of the reports on a backup, a deletion or else the latest. */
function modelOf(lives: readonly (readonly RunRecord[])[]) {
  const records = lives.map((versions) => versions.at(-1) as RunRecord)
  const backups = new Map<string, BackupInfo>()
  const ended = records.filter(({ end }) => end !== null)
  for (const { result } of ended.toSorted((a, b) => (a.end ?? '').localeCompare(b.end ?? '')))
    if (result?.backup) backups.set(`${result.backup.server} ${result.backup.name}`, result.backup)
  for (const { server, result } of ended)
    for (const name of result?.deleted ?? []) backups.delete(`${server} ${name}`)
  return {
    records: records.map(({ rid, state, seq }) => ({ rid, state, seq })),
    backups: [...backups.values()].map(({ server, name, rid }) => ({ server, name, rid })),
  }
}

async function catalogOf({ ports }: World) {
  const { items: records } = await ports.records.find({}, { first: 100 })
  const { items: backups } = await ports.backups.find({}, { first: 100 })
  return {
    records: records.map(({ node: { rid, state, seq } }) => ({ rid, state, seq })),
    backups: backups.map(({ node: { server, name, rid } }) => ({ server, name, rid })),
  }
}

test('any order, repetition and loss of batches gives the same catalog as a simple model', async () => {
  const lives = fc.array(lifeArbitrary, { minLength: 1, maxLength: 8 })
  const posts = fc.array(postArbitrary, { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(lives, posts, async (someLives, somePosts) => {
      const { world, catalog } = await given
        .app('hello')
        .proc('web')
        .on(...SERVERS)
        .volume('/data/db')
        .inMemory()
      const versions = someLives.map(versionsOf)
      for (const post of somePosts) await deliver(world, post, versions.flat())
      // In the end each daemon gets an answer to all that it has.
      for (const server of SERVERS) {
        const all = versions.flat().filter((record) => record.server === server)
        const whole = { server, picks: all.map((_, at) => at), isGone: false, isAnswered: true }
        if (all.length > 0) await deliver(world, whole, versions.flat())
      }
      await world.background.settled()
      expect(sortAll(await catalogOf(world))).toEqual(sortAll(modelOf(versions)))
      const events = await catalog.records.eventsSince(0, {}, 10_000)
      for (const [, changes] of Map.groupBy(events, ({ record }) => record.rid)) {
        const seqs = changes.map(({ record }) => record.seq)
        expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b))
      }
    }),
    { numRuns: 15 },
  )
}, 120_000)

function sortAll({ records, backups }: { records: object[]; backups: object[] }) {
  return { records: records.map(print).sort(), backups: backups.map(print).sort() }
}

function print(value: object): string {
  return JSON.stringify(value)
}
