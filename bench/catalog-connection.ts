// What the catalog costs the event loop: reads, news, and how long the loop stands still while something large runs.
//   node bench/catalog-connection.ts [RECORDS] [TREE]      50,000 by default; TREE: another checkout to measure
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Catalog, openCatalog } from '../src/catalog/catalog.ts'
import { systemClock } from '../src/lib/clock.ts'
import type { RunRecord } from '../src/wire/record.ts'
import { ridOf, sampleRecord } from '../test/support/catalog-samples.ts'
import { silentLog } from '../test/support/silent-log.ts'

const COUNT = Number(process.argv[2] ?? 50_000)
const TREE = resolve(process.argv[3] ?? '.')
const RESOLUTION_MS = 1
const folder = mkdtempSync(join(tmpdir(), 'backupd-bench-connection-'))
const tree: { openCatalog: typeof openCatalog } = await import(join(TREE, 'src/catalog/catalog.ts'))

function recordNumber(n: number): RunRecord {
  const app = `app${n % 50}`
  return sampleRecord({
    rid: ridOf(n),
    jobId: `0a000001${n % 500}`,
    server: `10.0.0.${n % 20}`,
    start: new Date(1_700_000_000_000 + n * 60_000).toISOString(),
    args: { app, proc: `${app}.web.web`, volume: `/data/${n % 3}`, instanceNo: 1, mode: 'full' },
    state: n % 100 === 0 ? 'failed' : 'success',
  })
}

function recordsFrom(first: number, count: number): RunRecord[] {
  return Array.from({ length: count }, (_, n) => recordNumber(first + n))
}

function percentile(times: number[], share: number): string {
  const sorted = times.toSorted((a, b) => a - b)
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(2)
}

async function measure(what: string, times: number, work: (n: number) => Promise<unknown>): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  const took: number[] = []
  const cpu = process.cpuUsage()
  delay.enable()
  for (let n = 0; n < times; n++) {
    const started = performance.now()
    await work(n)
    took.push(performance.now() - started)
  }
  await new Promise((passed) => setTimeout(passed, 5))
  delay.disable()
  const { user, system } = process.cpuUsage(cpu)
  const stall = Math.max(0, delay.max / 1e6 - RESOLUTION_MS).toFixed(1)
  console.log(
    `${what.padEnd(36)} p50 ${percentile(took, 0.5).padStart(8)} ms  p99 ${percentile(took, 0.99).padStart(8)} ms  ` +
      `CPU ${((user + system) / 1000 / times).toFixed(2).padStart(7)} ms  longest stall ${stall.padStart(6)} ms`,
  )
}

/** Reads a list of an app every few ms while something else runs, so that waiting behind it shows. */
async function measureBeside(
  what: string,
  { records }: Catalog,
  work: () => Promise<unknown>,
): Promise<void> {
  let busy = true
  const working = work().finally(() => {
    busy = false
  })
  const lists = async (n: number) => {
    await records.find({ app: `app${n % 50}`, from: new Date(n).toISOString() }, { first: 20 })
    await new Promise((passed) => setTimeout(passed, 2))
  }
  const took: number[] = []
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  for (let n = 0; busy; n++) {
    const started = performance.now()
    await lists(n)
    took.push(performance.now() - started - 2)
  }
  await working
  delay.disable()
  const stall = Math.max(0, delay.max / 1e6 - RESOLUTION_MS).toFixed(1)
  console.log(
    `lists beside ${what.padEnd(23)} p50 ${percentile(took, 0.5).padStart(8)} ms  p99 ${percentile(took, 0.99).padStart(8)} ms  ` +
      `${' '.repeat(15)}longest stall ${stall.padStart(6)} ms`,
  )
}

const catalog = await tree.openCatalog({
  dataDir: folder,
  copyDir: join(folder, 'copies'),
  log: silentLog,
  clock: systemClock,
})
const { records, servers } = catalog
for (let n = 0; n < COUNT; n += 500) await records.apply(recordsFrom(n, 500))
const server = { ip: '10.0.0.1', daemonId: 'x', lastSeen: null, leaving: false, timeZone: null }
await measure('one record', 2000, (n) => records.get(ridOf((n * 7) % COUNT)))
await measure('all servers (one row)', 2000, () => servers.all())
await measure('one server written', 300, () => servers.save(server))
await measure('first page of all, uncached', 50, (n) =>
  records.find({ from: new Date(n).toISOString() }, { first: 20 }),
)
await measure('news of 1 record', 300, (n) => records.apply(recordsFrom(COUNT + n, 1)))
await measure('news of 100 records', 40, (n) => records.apply(recordsFrom(COUNT + 1000 + n * 100, 100)))
await measure('news of 5,000 records', 2, (n) => records.apply(recordsFrom(COUNT + 10_000 + n * 5000, 5000)))
await measureBeside('news of 5,000', catalog, () => records.apply(recordsFrom(COUNT + 30_000, 5000)))
await measureBeside('news of 100, 40 times', catalog, async () => {
  for (let n = 0; n < 40; n++) await records.apply(recordsFrom(COUNT + 50_000 + n * 100, 100))
})
await catalog.close()
rmSync(folder, { recursive: true })
