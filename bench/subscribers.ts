/**
 * From the news of a daemon to its subscribers: `node bench/subscribers.ts [clients] [main.js …]`. Each build runs alone
 * as a controller, in turn; a false daemon tells it of 12 changes a second, the starts and ends of runs. All clients send
 * one document over graphql-ws and must get every change. Beside the delays: what a change costs the controller's
 * processor. A second build, such as that of another commit, is given by the path of its main.js.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'

const CLIENTS = Number(process.argv[2] ?? 500)
const BUILDS = process.argv.slice(3).length > 0 ? process.argv.slice(3) : ['dist/main.js']
const CONTROLLER = '127.0.0.1:19402'
const SERVER = '127.0.0.1'
const CHANGES = 360
const EVERY_MS = 1000 / 12
/** So long after the last change, what has not come counts as never. */
const PATIENCE_S = 60
/** Clock ticks of /proc/PID/stat. */
const TICK_MS = 10

const QUERY = `subscription { recordUpdated { seq kind record { rid app proc volume instanceNo mode action state reason start end
  server { ip } job { id spec } progress { phase bytesDone bytesTotal } result { file size } error { code message } } } }`

for (const build of BUILDS) await measure(resolve(build))

async function measure(main: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'subscribers-'))
  const program = await startController(main, folder)
  try {
    const arrivals = new Map<string, number[]>()
    const sockets = await Promise.all(Array.from({ length: CLIENTS }, () => subscribe(arrivals)))
    await warmUp(arrivals)
    const before = readCpuMs(program)
    const sent = await sendChanges(CHANGES, 'run')
    await waitForAll(sent, arrivals, PATIENCE_S)
    const cpu = (readCpuMs(program) - before) / CHANGES
    for (const socket of sockets) socket.terminate()
    report(main, listDelays(sent, arrivals), cpu)
  } finally {
    program.kill('SIGTERM')
    await once(program, 'exit')
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function startController(main: string, folder: string): Promise<ChildProcess> {
  const inventory = join(folder, 'inventory.yaml')
  const volumes = '{ /db: { backup_full: { schedule: "0 5 1 1 *", expire: 1d } } }'
  await writeFile(inventory, `apps: { bench: { web: { on: [${SERVER}], volumes: ${volumes} } } }\n`)
  const flags = {
    inventory,
    data: join(folder, 'data'),
    addr: CONTROLLER,
    advertise: `http://${CONTROLLER}`,
    dport: '9',
  }
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value])
  const program = spawn(process.execPath, [main, 'controller', '--anonymous', 'admin', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await waitForLine(program, /The controller listens/)
  return program
}

function waitForLine(program: ChildProcess, pattern: RegExp): Promise<void> {
  return new Promise((found, failed) => {
    const lines: string[] = []
    for (const stream of [program.stdout, program.stderr]) {
      if (stream)
        createInterface({ input: stream }).on('line', (line) =>
          pattern.test(line) ? found() : lines.push(line),
        )
    }
    program.on('exit', () => failed(new Error(`the program ended:\n${lines.join('\n')}`)))
  })
}

/** Notes when each change came, by rid and state. */
async function subscribe(arrivals: Map<string, number[]>): Promise<WebSocket> {
  const socket = new WebSocket(`ws://${CONTROLLER}/graphql`, 'graphql-transport-ws')
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'connection_init' }))
  await once(socket, 'message')
  socket.on('message', (data) => {
    const { type, payload } = JSON.parse(String(data))
    if (type !== 'next') return
    const { rid, state } = payload.data.recordUpdated.record
    const key = `${rid} ${state.toLowerCase()}`
    const times = arrivals.get(key) ?? []
    arrivals.set(key, times)
    times.push(performance.now())
  })
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: QUERY } }))
  return socket
}

/** By rid and state: when the news was sent. Each run starts with one change and ends with the next. */
async function sendChanges(count: number, name: string): Promise<Map<string, number>> {
  const sent = new Map<string, number>()
  const posts: Promise<void>[] = []
  const began = performance.now()
  for (let at = 0; at < count; at++) {
    await sleep(Math.max(0, began + at * EVERY_MS - performance.now()))
    const [rid, state] = [`1795425846${name}${at >> 1}`, at % 2 === 0 ? 'running' : 'success']
    sent.set(`${rid} ${state}`, performance.now())
    posts.push(post(rid, state))
  }
  await Promise.all(posts)
  return sent
}

async function post(rid: string, state: string): Promise<void> {
  const ended = state === 'success'
  const record = {
    ...{ rid, seq: ended ? 2 : 1, attempt: 1, server: SERVER, jobId: '7f000001aaaa', spec: '0 5 1 1 *' },
    ...{ action: 'backup', type: 'cron', state, reason: '', error: null, warnings: [], warningCount: 0 },
    args: { app: 'bench', proc: 'bench.web.web', volume: '/db', instanceNo: 1, mode: 'full' },
    ...{ start: '2026-11-23T08:44:53Z', end: ended ? '2026-11-23T08:45:53Z' : null },
    ...{ result: ended ? { file: 'db.tar.gz', size: 4096 } : null, progress: null },
  }
  const body = JSON.stringify({
    protocol: 2,
    daemonId: 'bench',
    server: SERVER,
    records: [record],
    running: [],
  })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`http://${CONTROLLER}/api/v2/system/notify`, { method: 'POST', headers, body })
  if (!answer.ok) throw new Error(`The news was refused: ${answer.status} ${await answer.text()}`)
}

/** Until every client is subscribed. */
async function warmUp(arrivals: Map<string, number[]>): Promise<void> {
  for (let round = 0; ; round++) {
    const sent = await sendChanges(12, `warm${round}x`)
    if (await waitForAll(sent, arrivals, 5)) return
  }
}

/** Resolves to whether every client got every change. */
async function waitForAll(
  sent: Map<string, number>,
  arrivals: Map<string, number[]>,
  patience: number,
): Promise<boolean> {
  const isMissing = (key: string) => (arrivals.get(key)?.length ?? 0) < CLIENTS
  for (let seconds = 0; seconds < patience && [...sent.keys()].some(isMissing); seconds++) await sleep(1000)
  return ![...sent.keys()].some(isMissing)
}

/** What never came has an infinite delay. */
function listDelays(sent: Map<string, number>, arrivals: Map<string, number[]>): number[] {
  return [...sent].flatMap(([key, at]) => {
    const times = arrivals.get(key) ?? []
    const missing = Array.from({ length: CLIENTS - times.length }, () => Number.POSITIVE_INFINITY)
    return [...times.map((time) => time - at), ...missing]
  })
}

/** Of all threads of the program. */
function readCpuMs({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

function report(main: string, delays: number[], cpu: number): void {
  const sorted = delays.toSorted((one, other) => one - other)
  const at = (share: number) =>
    `${(sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN).toFixed(0)} ms`
  console.log(
    `${main}: ${CLIENTS} subscribers, ${CHANGES} changes at 12/s; from a daemon's news to a subscriber:`,
  )
  console.log(`p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}, most ${at(1)} (target: p99 under 500 ms)`)
  console.log(`${cpu.toFixed(1)} ms of the controller's processor a change`)
}
