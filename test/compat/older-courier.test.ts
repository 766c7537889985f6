import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { addNewsRoute } from '../../src/controller/news-route.ts'
import { closeApp, createApp, listen, printJson } from '../../src/http/app.ts'
import type { News } from '../../src/wire/daemon-api.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { given } from '../support/given.ts'
import { onEnd } from '../support/lifetime.ts'

/** Posts of a daemon of aaf5a8b, and their answers (test/fixtures/older-version/README.md). */
interface RecordedPost {
  afterMs: number
  status: number
  /** Seconds. */
  retryAfter: string | null
  body: string
}

const SERVER = '127.0.0.1'
const file = new URL('../fixtures/older-version/refused-posts.json', import.meta.url)
const posts = JSON.parse(readFileSync(file, 'utf8')) as RecordedPost[]
const refused = posts.filter(({ status }) => status === 503)
const last = posts.at(-1)
/** More than any controller takes in 5 s. */
const MUCH_WORK = { server: '10.0.0.9', rids: [], records: 1e9, bytes: 0, isLegacy: false }

async function startRoute() {
  const stored: RunRecord[] = []
  const kit = await given
    .app('shop')
    .proc('web')
    .on(SERVER)
    .volumes('/data/db', '/data/files')
    .inMemory({
      wrapRecords: (records) => ({
        ...records,
        async apply(news) {
          const applied = await records.apply(news)
          stored.push(...applied.map(({ record }) => record))
          return applied
        },
      }),
    })
  const app = createApp({
    guard: () => {},
    refuse: (_error, _request, reply) => printJson(reply.code(503), 'refused'),
  })
  addNewsRoute(app, kit.world)
  onEnd(() => closeApp(app))
  const url = await listen(app, { host: SERVER, port: 0 }, 'controller')
  const send = async ({ body }: RecordedPost) => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${url}/api/v2/system/notify`, { method: 'POST', headers, body })
    return { status: answer.status, retryAfter: answer.headers.get('retry-after') }
  }
  return { ...kit, send, stored }
}

test('an older daemon does not heed Retry-After: it comes back earlier, with all that it told before', () => {
  expect(refused.length).toBeGreaterThan(3)
  const told = posts.map(({ body }) =>
    (JSON.parse(body) as News).records.map(({ rid, state }) => [rid, state]),
  )
  for (const [at, post] of refused.entries()) {
    const next = posts[at + 1]
    expect((next?.afterMs ?? 0) - post.afterMs).toBeLessThan(Number(post.retryAfter) * 1000)
    expect(told[at + 1]?.slice(0, told[at]?.length)).toEqual(told[at])
  }
})

test('nothing of its refused posts is stored, and what it then sends is stored once', async () => {
  const { world, send, stored, catalog } = await startRoute()
  const place = world.newsGate.admit(MUCH_WORK)
  for (const post of refused)
    expect(await send(post)).toEqual({ status: 503, retryAfter: expect.stringMatching(/^\d+$/) })
  expect(stored).toEqual([])
  place[Symbol.dispose]()
  const { records } = JSON.parse(last?.body ?? '') as News
  const ends = records.filter(({ end }) => end !== null).map(({ rid, state }) => [rid, state])
  for (const round of ['first', 'after a lost answer']) {
    expect([round, last && (await send(last))]).toEqual([round, { status: 200, retryAfter: null }])
    expect(stored.map(({ rid, state }) => [rid, state])).toEqual(ends)
  }
  expect(ends).toHaveLength(3)
  expect(await catalog.records.unfinished()).toEqual([])
})
