import type { Row } from '../row.ts'
import { emptyRows, growthRows, restRows } from './at-rest.ts'
import { catalogSizeRows } from './catalog-size.ts'
import { catchUpRows } from './catch-up.ts'
import { editRows } from './edit.ts'
import { faultRows } from './faults.ts'
import { historyRows } from './history.ts'
import { midnightRows } from './midnight.ts'
import { readRows } from './reads.ts'
import { rebuildRows } from './rebuild.ts'
import { subscriberRows } from './subscribers.ts'

/**
 * In the order in which they are measured: a row may count on what those above it left. The shared controller is started
 * by the first row that needs it, and stopped by `record-size`.
 */
export const ROWS: readonly Row[] = [
  ...emptyRows,
  ...restRows,
  ...growthRows,
  ...editRows,
  ...midnightRows,
  ...subscriberRows,
  ...readRows,
  ...catchUpRows,
  ...rebuildRows,
  ...faultRows,
  ...catalogSizeRows,
  ...historyRows,
]
