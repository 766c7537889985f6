import type { RunEnd } from './ports.ts'
import { toRecordError } from './record-error.ts'

/** The end of a run that something came in the way of. */
export function endOf(cause: unknown): RunEnd {
  const error = toRecordError(cause)
  return { state: error.code === 'CANCELLED' ? 'cancelled' : 'failed', reason: error.message, error }
}
