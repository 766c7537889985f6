import { openCatalog } from '../../src/catalog/catalog.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'
import { silentLog } from '../support/silent-log.ts'

/** Stores one record after the other until it is killed, and reports each to its parent once it is on disk. */
const dataDir = process.argv[2] ?? ''
const { records } = await openCatalog({ dataDir, copyDir: dataDir, log: silentLog, clock: systemClock })
for (let n = 0; ; n++) {
  await records.apply([sampleRecord({ rid: ridOf(n) })])
  process.send?.(ridOf(n))
}
