import { afterEach, beforeEach, expect, test } from 'vitest'
import { type DaemonDb, openDaemonDatabase } from '../../../src/daemon/memory/database.ts'
import { Outbox } from '../../../src/daemon/memory/outbox.ts'
import { NewsMail } from '../../../src/daemon/notifier/mail.ts'
import { backoffMs } from '../../../src/lib/backoff.ts'
import type { News } from '../../../src/wire/daemon-api.ts'
import type { RunRecord } from '../../../src/wire/record.ts'
import { keptLog, sampleRun, someProgress } from '../../support/daemon-kit.ts'
import { type HandClock, handClock } from '../../support/hand-clock.ts'

let db: DaemonDb
let mail: NewsMail
let outbox: Outbox
let running: string[]
let clock: HandClock

beforeEach(() => {
  clock = handClock()
  running = []
  db = openDaemonDatabase(':memory:', keptLog())
  const to = { address: 'http://127.0.0.1:1/', protocol: 2 } as const
  outbox = new Outbox(db, clock)
  outbox.add(to)
  mail = new NewsMail(outbox, to, { daemonId: 'd1', server: '10.0.0.1', clock, running: () => running })
})

afterEach(() => {
  db.close()
})

/** Takes the next post, if there is one. */
function take(): News | undefined {
  const delivery = mail.next()
  delivery?.accepted()
  return delivery?.body as News | undefined
}

test('while nothing runs and nothing is new, nothing is sent', () => {
  expect(mail.next()).toBeUndefined()
  expect(mail.dueInMs()).toBe(Number.POSITIVE_INFINITY)
})

test('scheduled runs come with the present times of their jobs, others without', async () => {
  const times = (id: string) => ({
    id,
    prev: '2026-11-23T09:00:00Z',
    next: '2026-11-24T09:00:00Z',
    sleep: false,
  })
  const timesOf = (id: string) => (id === 'gone' ? undefined : times(id))
  const to = { address: 'http://127.0.0.1:1/', protocol: 2 } as const
  const timed = new NewsMail(outbox, to, {
    daemonId: 'd1',
    server: '10.0.0.1',
    clock,
    running: () => [],
    timesOf,
  })
  const post = (about: Partial<RunRecord>) => {
    timed.progressed(sampleRun(about).at('running', { progress: someProgress(1) }))
    return (timed.next()?.body as News | undefined)?.times
  }
  expect(post({ rid: 'r1', jobId: 'gone', type: 'cron' })).toBeUndefined()
  expect(post({ rid: 'r2', jobId: 'a', type: 'once' })).toBeUndefined()
  expect(post({ rid: 'r3', jobId: 'b', type: 'cron' })).toEqual([times('b')])
})

test('while something runs, a heartbeat is due well within ten seconds', () => {
  running = ['r1']
  expect(take()).toMatchObject({ records: [], running: ['r1'] })
  expect(mail.next()).toBeUndefined()
  const due = mail.dueInMs()
  expect(due).toBeGreaterThan(0)
  expect(due).toBeLessThan(10_000)
  clock.move(due)
  expect(take()).toMatchObject({ records: [], running: ['r1'] })
})

test('a heartbeat that was not accepted is due at once', () => {
  running = ['r1']
  mail.next()
  expect(mail.dueInMs()).toBeLessThanOrEqual(0)
})

test('a second of progress is a few posts, each with the newest, and the last with the end', () => {
  const run = sampleRun()
  const told: (number | undefined)[] = []
  for (let n = 1; n <= 100; n++) {
    mail.progressed(run.at('running', { progress: someProgress(n) }))
    const news = take()
    if (news) told.push(news.records[0]?.progress?.bytesDone)
    clock.move(10)
  }
  clock.move(mail.dueInMs())
  told.push(take()?.records[0]?.progress?.bytesDone)
  expect(told).toEqual([1, 21, 41, 61, 81, 100])
})

test('progress that was not accepted is sent again in its newest state', () => {
  const run = sampleRun()
  mail.progressed(run.at('running', { progress: someProgress(1) }))
  expect(mail.next()).toBeDefined()
  mail.progressed(run.at('running', { progress: someProgress(2) }))
  expect(take()?.records.map(({ progress }) => progress?.bytesDone)).toEqual([2])
  expect(mail.next()).toBeUndefined()
})

test('pauses grow to a minute, with jitter', () => {
  const pauses = Array.from({ length: 40 }, (_, n) => backoffMs(n + 1))
  expect(pauses[0]).toBeLessThanOrEqual(500)
  expect(Math.max(...pauses)).toBeLessThanOrEqual(60_000)
  expect(Math.min(...pauses.slice(10))).toBeGreaterThanOrEqual(30_000)
  expect(new Set(pauses.slice(10)).size).toBeGreaterThan(1)
})
