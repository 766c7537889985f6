/**
 * What certificates between controller and daemon cost: `node bench/certificates.ts [ROUNDS]`, 5 by default. One daemon in
 * this process over plain HTTP, and one with certificates, in turns: its start, questions on one connection, and questions
 * that each open a connection.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDaemon } from '../src/daemon/daemon.ts'
import { createDaemonHttp } from '../src/fleet/daemon-http.ts'
import { checkInternalDaemon, createInternalLink, type InternalLink } from '../src/http/internal-link.ts'
import { createTlsConnector } from '../src/lib/certificates/tls-connector.ts'
import { systemClock } from '../src/lib/clock.ts'
import { silentLog } from '../test/support/silent-log.ts'

const ROUNDS = Number(process.argv[2] ?? 5)
const QUESTIONS = 2000
const CONNECTIONS = 300
const IP = '127.0.0.1'
const TIMEOUT_MS = 10_000
const folder = mkdtempSync(join(tmpdir(), 'backupd-bench-certificates-'))

/** Milliseconds; the last two are for each question. */
interface Cost {
  start: number
  question: number
  connection: number
}

try {
  const begun = performance.now()
  const link = await createInternalLink(IP, Date.now())
  const made = performance.now() - begun
  console.log(`an authority and two certificates, with loading the package: ${made.toFixed(0)} ms, once`)
  await measure(undefined)
  await measure(link)
  const costs: { plain: Cost; tls: Cost }[] = []
  for (let round = 0; round < ROUNDS; round++)
    costs.push({ plain: await measure(undefined), tls: await measure(link) })
  for (const key of ['start', 'question', 'connection'] as const) {
    const plain = medianOf(costs.map((cost) => cost.plain[key]))
    const tls = medianOf(costs.map((cost) => cost.tls[key]))
    const ratio = (tls / plain).toFixed(2)
    console.log(`${key}: ${plain.toFixed(3)} ms plain, ${tls.toFixed(3)} ms with certificates: ${ratio}`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function measure(link: InternalLink | undefined): Promise<Cost> {
  const place = mkdtempSync(join(folder, 'daemon-'))
  for (const name of ['store', 'volumes']) mkdirSync(join(place, name))
  const begun = performance.now()
  const daemon = await startDaemon({
    ...{ host: IP, port: 0, ip: IP, dataDir: join(place, 'data'), volumeRoot: join(place, 'volumes') },
    ...{ allowPaths: [], store: { driver: 'local', dir: join(place, 'store') }, takeOver: false },
    ...{ allowedHosts: [], log: silentLog, clock: systemClock, concurrency: 1, version: 'bench', link },
  })
  const start = performance.now() - begun
  try {
    const question = await askMany(daemon.url, QUESTIONS, { link, isKept: true })
    const connection = await askMany(daemon.url, CONNECTIONS, { link, isKept: false })
    return { start, question, connection }
  } finally {
    await daemon.close()
  }
}

async function askMany(
  url: string,
  times: number,
  { link, isKept }: { link: InternalLink | undefined; isKept: boolean },
): Promise<number> {
  const connector =
    link &&
    createTlsConnector({
      own: () => link.controller,
      timeoutMs: TIMEOUT_MS,
      check: (certificate) => checkInternalDaemon(link, certificate),
    })
  const http = createDaemonHttp({ addressOf: () => url, connectorTo: () => connector, log: silentLog })
  const ask = () => http.ask(IP, { method: 'GET', path: '/api/v1/cron/jobs/count' })
  await ask()
  const begun = performance.now()
  for (let n = 0; n < times; n++) {
    if (!isKept) http.endConnections(IP)
    await ask()
  }
  const spent = performance.now() - begun
  await http.close()
  return spent / times
}

function medianOf(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}
