// What news costs the catalog, without HTTP: begins and ends of runs of 10,000 jobs on 200 servers, in batches.
//   node bench/news-batches.ts [TREE …]      other checkouts, measured beside this one
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Catalog, openCatalog } from '../src/catalog/catalog.ts'
import { systemClock } from '../src/lib/clock.ts'
import type { RunRecord } from '../src/wire/record.ts'
import { silentLog } from '../test/support/silent-log.ts'
import { listHistory } from './fleet/history-runs.ts'
import { printRun, type Run } from './fleet/simulator/run.ts'

const FLEET = { servers: 200, jobs: 50 }
const CHANGES = 10_000
const BATCHES = [
  { name: 'batches of 100', sizeOf: () => 100 },
  { name: 'batches of 500', sizeOf: () => 500 },
  { name: 'batches of 1 to 500, as in a flood', sizeOf: (at: number) => 1 + ((at * 137) % 500) },
]
const trees = ['.', ...process.argv.slice(2)]

for (const batch of BATCHES) for (const tree of trees) await measure(tree, batch)

async function measure(tree: string, { name, sizeOf }: (typeof BATCHES)[number]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'news-batches-'))
  const catalog = await openCatalogOf(tree, folder)
  const [all, main] = [process.cpuUsage(), process.threadCpuUsage()]
  const start = performance.now()
  let changes = 0
  for (const news of listBatches(sizeOf)) {
    await catalog.records.apply(news)
    changes += news.length
  }
  const seconds = (performance.now() - start) / 1000
  const [allMs, mainMs] = [process.cpuUsage(all), process.threadCpuUsage(main)].map(({ user, system }) =>
    ((user + system) / 1000 / changes).toFixed(3),
  )
  await catalog.close()
  rmSync(folder, { recursive: true })
  console.log(
    `${tree}, ${name}: ${(changes / seconds).toFixed(0)} changes/s, CPU ${allMs} ms a change, ${mainMs} in the main thread`,
  )
}

async function openCatalogOf(tree: string, dataDir: string): Promise<Catalog> {
  const module: { openCatalog: typeof openCatalog } = await import(resolve(tree, 'src/catalog/catalog.ts'))
  const copyDir = join(dataDir, 'copies')
  return module.openCatalog({ dataDir, copyDir, log: silentLog, clock: systemClock })
}

/** Half of each batch is begins of runs, the other half the ends, with their backups, of those that the last one began. */
function* listBatches(sizeOf: (at: number) => number): Generator<RunRecord[]> {
  const runs = [...listHistory({ ...FLEET, records: CHANGES / 2, untilMs: Date.now() })]
  let begun: Run[] = []
  for (let at = 0; runs.length > 0 || begun.length > 0; at++) {
    const ends = begun.map((run) => printRun(run, 'success'))
    begun = runs.splice(0, Math.ceil(sizeOf(at) / 2))
    yield [...begun.map((run) => printRun(run, 'running')), ...ends]
  }
}
