/**
 * From a daemon's progress to its subscribed clients: `node bench/live-progress.ts [clients] [main.js]`.
 * The built program runs as its users run it; its daemon runs a test action that steps on each few milliseconds. The
 * daemon's progress is read over its HTTP every few milliseconds; the clients get theirs over graphql-ws.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'

const CLIENTS = Number(process.argv[2] ?? 20)
const MAIN = resolve(process.argv[3] ?? 'dist/main.js')
const [PORT, DAEMON_PORT] = [19_402, 19_403]
const CONTROLLER = `127.0.0.1:${PORT}`
const DAEMON = `http://127.0.0.1:${DAEMON_PORT}/api/v1`
const STEPS = 1500
const LOOK_EVERY_MS = 4

const folder = await mkdtemp(join(tmpdir(), 'live-progress-'))
const inventory = join(folder, 'inventory.yaml')
await writeFile(
  inventory,
  `apps: { bench: { web: { on: [127.0.0.1], volumes: { /db: { path: ${folder}/db, backup_full: { schedule: "0 5 1 1 *", expire: 1d } } } } } }\n`,
)
const flags = [
  '--inventory',
  inventory,
  '--data',
  join(folder, 'data'),
  '--addr',
  CONTROLLER,
  '--daemon-addr',
  `127.0.0.1:${DAEMON_PORT}`,
]
const program = spawn(process.execPath, [MAIN, 'standalone', '--anonymous', 'admin', ...flags], {
  stdio: ['ignore', 'pipe', 'pipe'],
})
try {
  await waitForLine(/Jobs sent/)
  const rid = await startTestRun()
  const looking = pollDaemon(rid)
  const seen = await Promise.all(Array.from({ length: CLIENTS }, () => watchRun(rid)))
  const known = await looking
  const delays = seen.flatMap((steps) => delaysOf(known, steps))
  report(delays, seen.flat().length)
} finally {
  program.kill('SIGTERM')
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
}

/** Step → when it was first seen, ms. */
type Steps = { step: number; at: number }[]

function waitForLine(pattern: RegExp): Promise<void> {
  return new Promise((found, failed) => {
    const lines: string[] = []
    for (const stream of [program.stdout, program.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line)
        if (pattern.test(line)) found()
      })
    }
    program.on('exit', () => failed(new Error(`the program ended:\n${lines.join('\n')}`)))
  })
}

async function startTestRun(): Promise<string> {
  const job = {
    id: 'bench',
    spec: '0 5 1 1 *',
    action: 'test',
    args: { steps: STEPS, delayMs: 5 },
    type: 'cron',
    sleep: false,
  }
  // In the name of the program's own controller: the daemon refuses the list of another one.
  const { controller } = (await ask('GET', '/debug')) as { controller: { id: string; url: string } }
  const { id, url } = controller
  await ask('PUT', '/cron/jobs', {
    data: JSON.stringify([job]),
    version: 'bench',
    controller: id,
    controllerUrl: url,
  })
  return ((await ask('POST', '/cron/jobs/bench/actions/run', {})) as { rid: string }).rid
}

async function ask(method: string, path: string, form?: Record<string, string>): Promise<unknown> {
  const body = form ? new URLSearchParams(form) : null
  const response = await fetch(`${DAEMON}${path}`, { method, body })
  const answer = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer}`)
  return answer === '' ? undefined : JSON.parse(answer)
}

/** Polls the progress of the daemon as often as possible. */
async function pollDaemon(rid: string): Promise<Steps> {
  const steps: Steps = []
  for (;;) {
    const record = (await (await fetch(`${DAEMON}/cron/records/${rid}`)).json()) as {
      state: string
      progress: { filesDone: number } | null
    }
    const step = record.progress?.filesDone ?? 0
    if (step > (steps.at(-1)?.step ?? 0)) steps.push({ step, at: performance.now() })
    if (!['queued', 'running'].includes(record.state)) return steps
    await sleep(LOOK_EVERY_MS)
  }
}

interface Told {
  recordUpdated: { record: { state: string; progress: { filesDone: number } | null } }
}

async function watchRun(rid: string): Promise<Steps> {
  const client = createClient({ url: `ws://${CONTROLLER}/graphql`, webSocketImpl: WebSocket })
  const query =
    'subscription ($rid: ID) { recordUpdated(rid: $rid) { seq record { state progress { filesDone } } } }'
  const steps: Steps = []
  for await (const { data } of client.iterate<Told>({ query, variables: { rid } })) {
    const { state, progress } = data?.recordUpdated.record ?? { state: 'FAILED', progress: null }
    if (progress) steps.push({ step: progress.filesDone, at: performance.now() })
    if (!['QUEUED', 'RUNNING'].includes(state)) break
  }
  await client.dispose()
  return steps
}

/** For each step of the daemon: how long until the client got it or a later one. */
function delaysOf(known: Steps, seen: Steps): number[] {
  return known.flatMap(({ step, at }) => {
    const later = seen.find((told) => told.step >= step)
    return later ? [Math.max(0, later.at - at)] : []
  })
}

function report(delays: number[], events: number): void {
  const sorted = delays.toSorted((one, other) => one - other)
  const at = (share: number) =>
    `${(sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN).toFixed(0)} ms`
  console.log(`${CLIENTS} clients, ${events} events; from the daemon's progress to a client:`)
  console.log(`p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}, most ${at(1)} (target: p95 under 250 ms)`)
}
