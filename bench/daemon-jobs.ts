/**
 * 10,000 jobs of 1,440 specs in the built daemon, over its HTTP: how long it takes to load them, and how late runs
 * are that are all due in one second. `node bench/daemon-jobs.ts [jobs]`; build first.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { News } from '../src/wire/daemon-api.ts'
import type { Job } from '../src/wire/job.ts'

const JOBS = Number(process.argv[2] ?? 10_000)
const SPECS = 1440
const [PORT, NEWS_PORT] = [19_423, 19_424]
const API = `http://127.0.0.1:${PORT}/api/v1`
const folder = mkdtempSync(join(tmpdir(), 'daemon-jobs-'))

const daemon = await startDaemon()
try {
  const daily = listOf((n) => `${n % 60} ${Math.floor(n / 60) % 24} * * *`)
  console.log(`${JOBS} jobs of ${SPECS} specs: loaded in ${await load(daily, 'daily')} ms (at most 1000)`)
  console.log(`the same list again: ${await load(daily, 'again')} ms`)
  const due = new Date(Date.now() + 5000)
  due.setMilliseconds(0)
  const started = startsOf(JOBS)
  await fetch(`${API}/notify`, {
    method: 'PUT',
    body: new URLSearchParams({ addr: `http://127.0.0.1:${NEWS_PORT}/`, protocol: '2' }),
  })
  const [second, minute, hour] = [due.getSeconds(), due.getMinutes(), due.getHours()]
  await load(
    listOf(() => `${second} ${minute} ${hour} * * *`),
    'one second',
  )
  const late = (await started).map((start) => start - due.getTime()).sort((a, b) => a - b)
  const at = (share: number) => late[Math.floor((late.length - 1) * share)]
  console.log(`${late.length} due in one second: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms late (at most 100)`)
} finally {
  daemon.kill('SIGKILL')
  await once(daemon, 'exit')
  rmSync(folder, { recursive: true, force: true })
}
process.exit()

function listOf(spec: (n: number) => string): Job[] {
  return Array.from({ length: JOBS }, (_, n) => ({
    id: `7f000001${String(n).padStart(32, '0')}`,
    ...{ spec: spec(n % SPECS), action: 'test', args: {}, type: 'cron', sleep: false },
  }))
}

async function load(jobs: Job[], version: string): Promise<number> {
  const body = new URLSearchParams({ data: JSON.stringify(jobs), version }).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const began = performance.now()
  const response = await fetch(`${API}/cron/jobs`, { method: 'PUT', headers, body })
  if (!response.ok) throw new Error(await response.text())
  return Math.round(performance.now() - began)
}

/** When each of `count` scheduled runs was first reported, unix ms. */
async function startsOf(count: number): Promise<number[]> {
  const starts = new Map<string, number>()
  const all = Promise.withResolvers<number[]>()
  const server = createServer(async (request: IncomingMessage, response) => {
    const news = JSON.parse(await text(request)) as News
    for (const { rid, start } of news.records) if (!starts.has(rid)) starts.set(rid, Date.parse(start))
    response.end('"OK"')
    if (starts.size >= count) all.resolve([...starts.values()])
  })
  server.listen(NEWS_PORT, '127.0.0.1')
  await once(server, 'listening')
  return all.promise
}

async function startDaemon(): Promise<ChildProcess> {
  const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))
  mkdirSync(join(folder, 'store'))
  const flags = ['--ip', '127.0.0.1', '--addr', `127.0.0.1:${PORT}`, '--data', join(folder, 'data')]
  const store = ['--backup-driver', 'local', '--backup-local-dir', join(folder, 'store')]
  const child = spawn(process.execPath, [main, 'daemon', ...flags, ...store], {
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  for await (const line of createInterface({ input: child.stderr })) if (line.includes('listens on')) break
  child.stderr.resume()
  return child
}
