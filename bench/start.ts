import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/**
 * How long a daemon takes until it listens, and what that costs: the built program, and the sources, which Node runs file
 * by file. In turns, with a cache of compiled code for each. `node bench/start.ts [ROUNDS]`, 5 by default. Build first.
 */
const ROUNDS = Number(process.argv[2] ?? 5)
const TICKS_PER_SECOND = 100
const PROGRAMS = ['dist/main.js', 'src/main.ts']
const folder = mkdtempSync(join(tmpdir(), 'backupd-bench-start-'))

interface Start {
  seconds: number
  processor: number
  mib: number
}

try {
  for (const program of PROGRAMS) await start(program) // fills the cache
  const starts = new Map<string, Start[]>(PROGRAMS.map((program) => [program, []]))
  for (let round = 0; round < ROUNDS; round++)
    for (const [program, list] of starts) list.push(await start(program))
  const [built, sources] = PROGRAMS.map((program) => medianOf(starts.get(program) ?? []))
  for (const key of ['seconds', 'processor', 'mib'] as const) {
    const [a, b] = [built?.[key] ?? 0, sources?.[key] ?? 0]
    console.log(`${key}: ${a.toFixed(2)} built, ${b.toFixed(2)} from the sources: ${(a / b).toFixed(2)}`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function start(program: string): Promise<Start> {
  const begun = performance.now()
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', program), 'daemon', ...flags()], {
    env: { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled', program) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await untilListening(child)
  const seconds = (performance.now() - begun) / 1000
  const used = readUsage(child.pid ?? 0)
  child.kill('SIGTERM') // lets it write the cache
  await once(child, 'exit')
  return { seconds, ...used }
}

function flags(): string[] {
  const place = mkdtempSync(join(folder, 'daemon-'))
  for (const name of ['store', 'volumes']) mkdirSync(join(place, name))
  const store = ['--backup-driver', 'local', '--backup-local-dir', join(place, 'store')]
  const own = ['--data', join(place, 'data'), '--volume-root', join(place, 'volumes')]
  return ['--addr', '127.0.0.1:0', '--ip', '127.0.0.1', ...own, ...store]
}

async function untilListening({ stderr }: ChildProcess): Promise<void> {
  for await (const line of createInterface({ input: stderr as NodeJS.ReadableStream }))
    if (line.includes('The daemon listens on')) return
  throw new Error('the daemon ended')
}

function readUsage(pid: number): { processor: number; mib: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  const kib = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  return { processor: ticks / TICKS_PER_SECOND, mib: kib / 1024 }
}

function medianOf(starts: Start[]): Start {
  const middle = (key: keyof Start) =>
    starts.map((each) => each[key]).toSorted((a, b) => a - b)[starts.length >> 1] ?? 0
  return { seconds: middle('seconds'), processor: middle('processor'), mib: middle('mib') }
}
