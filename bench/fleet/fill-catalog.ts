// Fills a catalog with a history: `node fill-catalog.ts TREE DATA_DIR HISTORY RECORDS`. The history is written by the
// sources of TREE, so that it is as that version would have left it. Copies of its records make up for the rest.

import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../test/support/silent-log.ts'
import { copyRecords } from './copy-records.ts'
import { type History, listHistory } from './history-runs.ts'
import { printRun, type Run } from './simulator/run.ts'

const BATCH = 500

const [tree = '', dataDir = '', history = '', records = ''] = process.argv.slice(2)
const file = pathToFileURL(resolve(tree, 'src/catalog/catalog.ts')).href
const { openCatalog } = (await import(file)) as typeof import('../../src/catalog/catalog.ts')
const options = { dataDir, copyDir: join(dataDir, 'copies'), log: silentLog, clock: systemClock }
const start = performance.now()
const catalog = await openCatalog(options)
const store = (runs: Run[]) => catalog.records.apply(runs.map((run) => printRun(run, 'success')))
let batch: Run[] = []
for (const run of listHistory(JSON.parse(history) as History)) {
  batch.push(run)
  if (batch.length < BATCH) continue
  await store(batch)
  batch = []
}
await store(batch)
await catalog.close()
const count = copyRecords(join(dataDir, 'catalog.db'), Number(records))
console.log(
  `a catalog with ${count} records was filled in ${((performance.now() - start) / 1000).toFixed(0)} s`,
)
