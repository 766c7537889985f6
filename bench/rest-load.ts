/**
 * Requests a second of the v1 and v2 URLs and of the GraphQL queries behind them: `node bench/rest-load.ts [seconds]
 * [records]`; build first. The built controller runs in a process of its own with two real daemons, 1,000 jobs of 250
 * apps and 100,000 records; the volume asked for has 10 real backups. It also prints the processor time of the
 * controller for each request, which is meaningful even on a busy machine.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'
import { print } from 'graphql'
import { openCatalog } from '../src/catalog/catalog.ts'
import {
  LegacyBackupsDocument,
  LegacyJobsDocument,
  LegacyRecordsDocument,
} from '../src/client/generated/operations.ts'
import { systemClock } from '../src/lib/clock.ts'
import { ridOf, sampleRecord } from '../test/support/catalog-samples.ts'
import { silentLog } from '../test/support/silent-log.ts'

const SECONDS = Number(process.argv[2] ?? 10)
const [APPS, RECORDS, BACKUPS, CONNECTIONS] = [250, Number(process.argv[3] ?? 100_000), 10, 16]
const [PORT, DAEMON_PORT] = [19_412, 19_413]
const SERVERS = ['127.0.0.1', '127.0.0.2']
const URL_BASE = `http://127.0.0.1:${PORT}`
const folder = mkdtempSync(join(tmpdir(), 'rest-load-'))
const programs: ChildProcess[] = []

try {
  await fillCatalog()
  writeFileSync(join(folder, 'inventory.yaml'), inventory())
  for (const ip of SERVERS) await start('daemon', daemonFlags(ip), /listens/)
  const controller = await start('controller', controllerFlags(), /Jobs sent[\s\S]*Jobs sent/)
  await makeBackups()
  await measureAll(controller.pid ?? 0)
} finally {
  for (const program of programs.toReversed()) program.kill('SIGTERM')
  await sleep(1000)
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

async function fillCatalog(): Promise<void> {
  const options = { dataDir: join(folder, 'controller'), copyDir: join(folder, 'copies') }
  const catalog = await openCatalog({ ...options, log: silentLog, clock: systemClock })
  const monthStart = new Date().setUTCDate(1)
  const gap = (Date.now() - monthStart) / RECORDS
  for (let n = 0; n < RECORDS; n += 500) {
    const records = Array.from({ length: 500 }, (_, at) => recordNumber(n + at, monthStart + (n + at) * gap))
    const taken = await catalog.records.apply(records)
    if (taken.length < records.length)
      throw new Error(`The catalog took only ${taken.length} of ${records.length} records`)
  }
  await catalog.close()
}

function recordNumber(n: number, startMs: number) {
  const app = `app${n % APPS}`
  const args = {
    app,
    proc: `${app}.web.web`,
    volume: '/data/db',
    instanceNo: 1,
    mode: 'full',
    containers: [],
    path: '/x',
  }
  const start = new Date(startMs).toISOString()
  // Without a job: the sample's belongs to another server, whose records the catalog would not take.
  return sampleRecord({
    rid: ridOf(n),
    jobId: '',
    server: SERVERS[n % 2]!,
    state: 'success',
    start,
    end: start,
    args,
  })
}

function inventory(): string {
  const volumes = ['db', 'files'].map(
    (name) => `/data/${name}: { backup_full: { schedule: "0 5 1 1 *", expire: 300d } }`,
  )
  const web = `{ on: [${SERVERS.join(', ')}], volumes: { ${volumes.join(', ')} } }`
  return `apps:\n${Array.from({ length: APPS }, (_, n) => `  app${n}: { web: ${web} }\n`).join('')}`
}

function daemonFlags(ip: string): string[] {
  const store = join(folder, 'store')
  mkdirSync(store, { recursive: true })
  const flags = [
    '--backup-driver',
    'local',
    '--backup-local-dir',
    store,
    '--volume-root',
    join(folder, 'volumes'),
  ]
  return ['--addr', `${ip}:${DAEMON_PORT}`, '--ip', ip, '--data', join(folder, ip), ...flags]
}

function controllerFlags(): string[] {
  const flags = ['--inventory', join(folder, 'inventory.yaml'), '--volume-root', join(folder, 'volumes')]
  return [
    '--addr',
    `127.0.0.1:${PORT}`,
    '--dport',
    String(DAEMON_PORT),
    '--data',
    join(folder, 'controller'),
    ...['--anonymous', 'admin'],
    ...flags,
  ]
}

/** Resolves once the program printed the expected line. */
function start(command: string, flags: string[], said: RegExp): Promise<ChildProcess> {
  const program = spawn(process.execPath, ['dist/main.js', command, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  programs.push(program)
  return new Promise((resolve, reject) => {
    let text = ''
    for (const stream of [program.stdout, program.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        text += `${line}\n`
        if (said.test(text)) resolve(program)
      })
    }
    program.on('exit', () => reject(new Error(`"${command}" ended:\n${text}`)))
  })
}

async function makeBackups(): Promise<void> {
  const volume = join(folder, 'volumes/app7/app7.web.web/1/data/db')
  mkdirSync(volume, { recursive: true })
  writeFileSync(join(volume, 'table'), 'row 1')
  const jobs = (await ask('/api/v2/app/app7/cron/jobs?args_volume=/data/db')) as { job: { id: string } }[]
  for (let count = 1; count <= BACKUPS; count++) {
    await fetch(`${URL_BASE}/api/v2/app/app7/cron/jobs/${jobs[0]?.job.id}/actions/run`, { method: 'POST' })
    await untilListed(count)
  }
}

async function untilListed(count: number): Promise<void> {
  for (let looks = 0; looks < 1000; looks++) {
    const listed = (await ask('/api/v2/app/app7/proc/web/backups?volume=/data/db')) as unknown[]
    if (listed.length === count) return
    await sleep(20)
  }
  throw new Error(
    `Backup ${count} was not made in 20 s: ${JSON.stringify(await ask('/api/v2/app/app7/cron/records?total=1'))}`,
  )
}

async function ask(path: string): Promise<unknown> {
  return (await fetch(`${URL_BASE}${path}`)).json()
}

interface Question {
  what: string
  path: string
  /** A GraphQL request. */
  body?: string
  /** Target, in requests a second. */
  target?: number
}

function questions(): Question[] {
  const month = new Date(new Date().setUTCDate(1)).toISOString().slice(0, 8)
  const graphql = (document: Parameters<typeof print>[0], variables: object) =>
    JSON.stringify({ query: print(document), variables })
  const app = 'app7'
  const backups = { app, filter: { app, proc: 'web', volumes: ['/data/db'] }, withProcs: false }
  const records = { filter: { app, from: `${month}01T00:00:00Z` }, first: 100 }
  return [
    { what: 'jobs of an app (4)', path: `/api/v2/app/${app}/cron/jobs`, target: 5000 },
    { what: '  the query behind it', path: '/graphql', body: graphql(LegacyJobsDocument, { app }) },
    {
      what: 'backups of a volume (10)',
      path: `/api/v2/app/${app}/proc/web/backups?volume=/data/db`,
      target: 5000,
    },
    { what: '  the query behind it', path: '/graphql', body: graphql(LegacyBackupsDocument, backups) },
    { what: 'records of an app (100)', path: `/api/v2/app/${app}/cron/records` },
    { what: '  the query behind it', path: '/graphql', body: graphql(LegacyRecordsDocument, records) },
    { what: 'records of an app (20)', path: `/api/v2/app/${app}/cron/records?total=20` },
    { what: 'one record', path: `/api/v2/app/${app}/cron/records/${ridOf(7)}` },
    { what: 'all jobs (1,000)', path: '/api/v2/system/cron/jobs' },
    { what: 'debug of a server, asked of it', path: `/api/v2/server/${SERVERS[0]}/debug` },
  ]
}

async function measureAll(pid: number): Promise<void> {
  console.log(`${'what'.padEnd(34)} requests/s   p50    p99 ms   CPU ms each   at 1,000/s: p50    p99 ms`)
  for (const question of questions()) {
    await load(question, 2)
    const before = cpuMs(pid)
    const full = await load(question, SECONDS)
    const cost = (cpuMs(pid) - before) / full.requests.total
    const steady = question.target ? await load(question, SECONDS, 1000) : undefined
    const numbers = [
      full.requests.average.toFixed(0).padStart(10),
      full.latency.p50.toFixed(0).padStart(7),
      full.latency.p99.toFixed(0).padStart(7),
      cost.toFixed(3).padStart(13),
      steady
        ? `${steady.latency.p50.toFixed(0).padStart(18)} ${steady.latency.p99.toFixed(0).padStart(6)}`
        : '',
    ]
    const target = question.target ? `   (target: ${question.target}/s, p99 under 25 ms at 1,000/s)` : ''
    console.log(`${question.what.padEnd(34)} ${numbers.join(' ')}${target}`)
  }
}

async function load({ path, body }: Question, seconds: number, overallRate?: number) {
  const post =
    body === undefined ? {} : { method: 'POST', body, headers: { 'content-type': 'application/json' } }
  const rate = overallRate === undefined ? {} : { overallRate }
  const result = await autocannon({
    url: `${URL_BASE}${path}`,
    connections: CONNECTIONS,
    duration: seconds,
    ...post,
    ...rate,
  })
  if (result.non2xx > 0 || result.errors > 0 || result.timeouts > 0)
    throw new Error(
      `${path}: ${result.non2xx} bad answers, ${result.errors} errors, ${result.timeouts} timeouts`,
    )
  return result
}

/** Processor time of a process so far, in user and kernel mode; the kernel counts hundredths of a second. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}
