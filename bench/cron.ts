/**
 * 10,000 jobs of at most 1,440 specs: how long they take to load, and how late they fire; compared with the same
 * number of jobs in node-schedule alone. `node bench/cron.ts [jobs]`
 */
import { setTimeout as sleep } from 'node:timers/promises'
import nodeSchedule from 'node-schedule'
import { JobTable } from '../src/engine/job-table.ts'
import type { EngineMemory } from '../src/engine/ports.ts'
import { systemClock } from '../src/lib/clock.ts'
import type { Job } from '../src/wire/job.ts'
import { silentLog } from '../test/support/silent-log.ts'

const JOBS = Number(process.argv[2] ?? 10_000)
const SPECS = 1440

interface Load {
  ms: number
  close(): void
}
const nothingKept: EngineMemory = {
  loadJobs: () => ({ jobs: [], version: '' }),
  loadSleepMarks: () => [],
  saveJobs() {},
  saveSleep() {},
  keep: async () => {},
  addLog() {},
  findLog: () => ({ lines: [], next: null }),
  notePhase() {},
  progressed() {},
  find: () => undefined,
  failures: () => [],
  unfinished: () => [],
  lastStarts: () => new Map(),
  loadNight: () => undefined,
  saveNight() {},
}

type Loader = (specs: string[], onFire: () => void) => Load

function loadOurs(specs: string[], onFire: () => void): Load {
  const jobs: Job[] = specs.map((spec, index) => ({
    id: `job-${index}`,
    spec,
    action: 'test',
    args: {},
    type: 'cron',
    sleep: false,
  }))
  const begin = performance.now()
  const table = new JobTable({
    agingClock: systemClock,
    clock: systemClock,
    log: silentLog,
    memory: nothingKept,
    isAction: () => true,
    onDue: onFire,
  })
  table.start()
  table.set(jobs, 'v1')
  return { ms: performance.now() - begin, close: () => table.stop() }
}

function loadPlain(specs: string[], onFire: () => void): Load {
  const begin = performance.now()
  const jobs = specs.map((spec) => nodeSchedule.scheduleJob(spec, onFire))
  const ms = performance.now() - begin
  const close = () => {
    for (const job of jobs.toReversed()) job.cancel()
  }
  return { ms, close }
}

/** Lateness after the named second, milliseconds, of every job due at `at`. */
async function lateness(load: Loader, specs: string[], at: number, patienceMs: number): Promise<number[]> {
  const late: number[] = []
  const loaded = load(specs, () => late.push(Date.now() - at))
  await sleep(at - Date.now() + patienceMs)
  loaded.close()
  return late.sort((a, b) => a - b)
}

function daily(at: Date): string {
  return `${at.getSeconds()} ${at.getMinutes()} ${at.getHours()} * * *`
}

const spread = Array.from({ length: JOBS }, (_, i) => `${i % 60} ${Math.floor((i % SPECS) / 60)} * * *`)
/** Distinct specs that are all due in the second of `at`, and at different other minutes and hours: the worst case. */
function sameSecond(at: Date): string[] {
  const [second, minute, hour] = [at.getSeconds(), at.getMinutes(), at.getHours()]
  const spec = (i: number) => `${second} ${minute},${i % 60} ${hour},${Math.floor((i % SPECS) / 60)} * * *`
  return Array.from({ length: JOBS }, (_, i) => spec(i))
}

function percentiles(late: number[]): string {
  const at = (part: number) => late[Math.min(late.length - 1, Math.floor(late.length * part))] ?? Number.NaN
  return `fired ${late.length}/${JOBS}, late p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`
}

async function main(): Promise<void> {
  const ours = loadOurs(spread, () => {})
  ours.close()
  const plain = loadPlain(spread, () => {})
  plain.close()
  console.log(
    `${JOBS} jobs, ${new Set(spread).size} specs: loaded in ${ours.ms.toFixed(0)} ms; node-schedule alone ${plain.ms.toFixed(0)} ms; ratio ${(ours.ms / plain.ms).toFixed(3)}`,
  )
  for (const [name, load] of [
    ['ours', loadOurs],
    ['node-schedule alone', loadPlain],
  ] as const) {
    const at = new Date(Math.ceil((Date.now() + (load === loadPlain ? 12_000 : 4000)) / 1000) * 1000)
    console.log(
      `one spec, one second, ${name}: ${percentiles(await lateness(load, Array(JOBS).fill(daily(at)), at.getTime(), load === loadPlain ? 15_000 : 1000))}`,
    )
  }
  const worst = new Date(Math.ceil((Date.now() + 4000) / 1000) * 1000)
  const specs = sameSecond(worst)
  console.log(
    `${new Set(specs).size} specs, one second, ours: ${percentiles(await lateness(loadOurs, specs, worst.getTime(), 900))}`,
  )
}

await main()
