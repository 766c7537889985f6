import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { request } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { isTerminal, type RunRecord } from '../../src/wire/record.ts'
import { askHttp } from '../support/daemon-http.ts'
import { temporaryDir } from '../support/daemon-kit.ts'
import { startTestDaemon } from '../support/daemon-start.ts'
import { startReceiver } from '../support/news-receiver.ts'
import {
  listEndedRuns,
  missing,
  type OlderExchange,
  olderTraffic,
  readRequestedRid,
  SERVER,
  VOLUMES,
} from '../support/older-traffic.ts'

const LONG = { timeout: 300_000 }
const PATIENCE = { timeout: 120_000, interval: 50 }
const MIB = Buffer.alloc(2 ** 20)

/** Real bytes of the older controller; only where volumes lie, where news goes, and what the store names itself differ. */
async function replayWorld() {
  const dir = temporaryDir()
  onTestFinished(() => dir[Symbol.dispose]())
  const volumes = join(dir.path, 'volumes')
  const at = (path: string) => join(volumes, 'shop/shop.web.web/1/data', path)
  for (const folder of ['db/sub', 'files/sub']) mkdirSync(at(folder), { recursive: true })
  writeFileSync(at('db/table'), 'row of 1\n')
  writeFileSync(at('files/log'), 'line 1\n')
  writeFileSync(at('files/sub/kept'), 'kept\n')
  const receiver = await startReceiver()
  onTestFinished(() => receiver.close())
  const start = () => startTestDaemon({ ip: SERVER }, dir.path)
  let daemon = await start()
  onTestFinished(() => daemon.close())
  const names = new Map([[VOLUMES, volumes]])
  const today = (text: string) => {
    let told = text.replace(/addr=[^&]+/, `addr=${encodeURIComponent(receiver.url)}`)
    for (const [before, now] of names)
      told = told.replaceAll(before, now).replaceAll(encodeURIComponent(before), encodeURIComponent(now))
    return told
  }
  const send = async ({ method, path, type, body }: OlderExchange) => {
    const { statusCode, body: answer } = await request(`${daemon.url}${today(path)}`, {
      method: method as 'GET',
      headers: type === undefined ? {} : { 'content-type': type },
      body: method === 'GET' ? null : today(body),
    })
    const text = await answer.text()
    return { status: statusCode, answer: text === '' ? '' : (JSON.parse(text) as unknown) }
  }
  const record = async (rid: string) =>
    (await askHttp(daemon.url, 'GET', `/api/v1/cron/records/${rid}`)).body as RunRecord
  const restart = async () => {
    await daemon.close()
    daemon = await start()
  }
  return { at, receiver, names, send, record, restart }
}

type ReplayWorld = Awaited<ReturnType<typeof replayWorld>>

const fillBig = (path: string) => {
  for (let mib = 0; mib < 300; mib++) appendFileSync(path, MIB)
}

/** What happened in the volumes before the recorded runs, by their number. */
const BEFORE_RUN: Record<number, (at: ReplayWorld['at']) => void> = {
  3: (at) => appendFileSync(at('files/log'), 'line 2\n'),
  5: (at) => appendFileSync(at('db/table'), 'row 2\n'),
  6: (at) => writeFileSync(at('db/table'), 'damaged'),
  11: (at) => fillBig(at('db/big')),
  12: (at) => rmSync(at('db/big')),
}

/** What the volumes then held, as far as a run changed it. */
const AFTER_RUN: Record<number, [path: string, content: string]> = {
  7: ['db/table', 'row of 1\n'],
  8: ['db/table', 'row of 1\n'],
  9: ['files/log', 'line 1\n'],
  10: ['files/log', 'line 1\nline 2\n'],
}
const CANCELLED_RUN = 11

test(
  'a daemon answers an older controller as the older daemon did, and its runs end the same',
  LONG,
  async () => {
    const traffic = olderTraffic()
    const world = await replayWorld()
    const all = listEndedRuns(traffic)
    const killed = [...all.values()].find(({ error }) => error?.code === 'DAEMON_RESTARTED')?.rid ?? ''
    const ends = new Map([...all].filter(([rid, { type }]) => rid !== killed && type === 'once'))
    const asked = traffic.filter(
      ({ from, path, body }) => from === 'controller' && !`${path}${body}`.includes(killed),
    )
    let runs = 0
    for (const exchange of asked) {
      const isRun = exchange.status === 202 && !exchange.path.endsWith('/cancel')
      if (isRun) BEFORE_RUN[++runs]?.(world.at)
      const { status, answer } = await world.send(exchange)
      const what = `${exchange.method} ${exchange.path}`
      expect([what, status]).toEqual([what, exchange.status])
      const before: unknown = exchange.answer === '' ? '' : JSON.parse(exchange.answer)
      expect([what, missing(before, answer)]).toEqual([what, []])
      if (isRun) await follow(world, { exchange, run: runs, end: ends.get(readRequestedRid(exchange)) })
      if (exchange.path.endsWith('/cancel')) await ended(world, exchange.path.split('/').at(-3) ?? '')
    }
    expect(runs).toBe(13)
    for (const [rid, { state, error }] of ends) {
      const { state: stateNow, error: errorNow } = await world.record(rid)
      expect([rid, stateNow, errorNow?.code]).toEqual([rid, state, error?.code])
    }
    await checkNews(world, ends)
    // It has no identity, and stays the only one over a restart.
    await world.restart()
    for (const exchange of asked.filter(
      ({ method, path }) => method === 'PUT' && path === '/api/v1/cron/jobs',
    ))
      expect(await world.send(exchange)).toEqual({ status: 200, answer: 'OK' })
  },
)

interface Followed {
  exchange: OlderExchange
  run: number
  /** How it ended at the older daemon. */
  end: RunRecord | undefined
}

/** Until the run ended, or is at work if it is to be cancelled. */
async function follow(world: ReplayWorld, { exchange, run, end }: Followed): Promise<void> {
  const rid = readRequestedRid(exchange)
  const progress = async () => (await world.record(rid)).progress?.bytesDone ?? 0
  if (run === CANCELLED_RUN) return expect.poll(progress, PATIENCE).toBeGreaterThan(0)
  await ended(world, rid)
  const { result } = await world.record(rid)
  for (const name of ['file', 'snapshot'] as const) {
    const [before, now] = [end?.result?.[name], result?.[name]]
    if (before !== undefined && now !== undefined) world.names.set(before, now)
  }
  const [path, content] = AFTER_RUN[run] ?? []
  if (path) expect(readFileSync(world.at(path), 'utf8')).toBe(content)
}

async function ended(world: ReplayWorld, rid: string): Promise<void> {
  await expect.poll(async () => isTerminal((await world.record(rid)).state), PATIENCE).toBe(true)
}

/** An older controller finds in the news of each run all that it found in the older daemon's. */
async function checkNews({ receiver }: ReplayWorld, ends: Map<string, RunRecord>): Promise<void> {
  const told = () => new Map(receiver.taken.flatMap(({ records }) => records).map((each) => [each.rid, each]))
  for (const [rid, end] of ends) {
    await expect.poll(() => told().get(rid)?.end ?? null, PATIENCE).not.toBeNull()
    expect([rid, missing(end, told().get(rid))]).toEqual([rid, []])
  }
}
