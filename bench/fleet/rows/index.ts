import type { Row } from '../row.ts'
import { emptyRow, restRows } from './at-rest.ts'
import { catchUpRows } from './catch-up.ts'
import { editRows } from './edit.ts'
import { faultRows } from './faults.ts'
import { historyRows } from './history.ts'
import { midnightRows } from './midnight.ts'
import { readRows } from './reads.ts'
import { rebuildRows } from './rebuild.ts'
import { recordSizeRow } from './record-size.ts'
import { subscriberRows } from './subscribers.ts'

/**
 * In the order in which they are measured: a row may count on what those above it left. The controller is started by the
 * first row that needs it, and stopped by `record-size`.
 */
export const ROWS: readonly Row[] = [
  emptyRow,
  ...restRows,
  ...editRows,
  ...midnightRows,
  ...subscriberRows,
  ...readRows,
  ...catchUpRows,
  ...rebuildRows,
  ...faultRows,
  recordSizeRow,
  ...historyRows,
]
