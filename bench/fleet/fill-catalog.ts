// Fills a catalog with records of runs that have ended: `node fill-catalog.ts TREE DATA_DIR SERVERS JOBS RECORDS`. The
// catalog is written by the sources of TREE, so that it is as that version would have left it.

import { randomBytes } from 'node:crypto'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { systemClock } from '../../src/lib/clock.ts'
import { jobId } from '../../src/wire/ids.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { silentLog } from '../../test/support/silent-log.ts'
import { serverIp } from './inventory.ts'
import { printRun } from './simulator/run.ts'

const [tree = '', dataDir = '', ...numbers] = process.argv.slice(2)
const [servers = 1, jobs = 1, records = 0] = numbers.map(Number)
const [BATCH, DAYS] = [500, 30]

const file = pathToFileURL(resolve(tree, 'src/catalog/catalog.ts')).href
const { openCatalog } = (await import(file)) as typeof import('../../src/catalog/catalog.ts')
const options = { dataDir, copyDir: join(dataDir, 'copies'), log: silentLog, clock: systemClock }
const catalog = await openCatalog(options)
const firstMs = Date.now() - DAYS * 86_400_000
for (let n = 0; n < records; n += BATCH) {
  const some = Array.from({ length: Math.min(BATCH, records - n) }, (_, at) => makeRecord(n + at))
  await catalog.records.apply(some)
}
await catalog.close()

/** The run number `n`, of each server and job in turn, spread over the days. */
function makeRecord(n: number): RunRecord {
  const endedAt = Math.floor(firstMs + (n / records) * DAYS * 86_400_000)
  const server = serverIp(n % servers)
  const jobNo = Math.floor(n / servers) % jobs
  const [app, volume] = [`app${Math.floor((n % servers) / 2)}`, `/data/${Math.floor(jobNo / 2)}`]
  const args = {
    app,
    archive: `${app}-${app}.web.web-${(n % 2) + 1}${volume.replaceAll('/', '-')}`,
    containers: [],
    instanceNo: (n % 2) + 1,
    mode: jobNo % 2 === 0 ? 'full' : 'increment',
    path: `/data/lain/volumes/${app}/${app}.web.web/${(n % 2) + 1}${volume}`,
    postRun: '',
    preRun: '',
    proc: `${app}.web.web`,
    volume,
  }
  const schedule = { spec: '0 0 * * *', action: 'backup', args }
  const job = { id: jobId(server, schedule), ...schedule, type: 'cron', sleep: false } as const
  const rid = `${Math.floor(endedAt / 1000)}${randomBytes(16).toString('hex')}`
  const no = Math.floor(n / (servers * jobs)) + 1
  const run = { rid, server, job, no, queuedAt: endedAt - 2000, begunAt: endedAt - 1000, endedAt }
  return printRun(run, 'success')
}
