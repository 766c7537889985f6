import { openCatalog } from '../../src/catalog/catalog.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { ridOf, sampleRecord } from './catalog-samples.ts'
import { silentLog } from './silent-log.ts'

/** Takes one record after the other, and names each to its parent once it is on disk, until it is killed. */
const dataDir = process.argv[2] ?? ''
const { records } = await openCatalog({ dataDir, copyDir: dataDir, log: silentLog, clock: systemClock })
for (let n = 0; ; n++) {
  await records.apply([sampleRecord({ rid: ridOf(n) })])
  process.send?.(ridOf(n))
}
