import type { RunEnd } from './ports.ts'
import { toRecordError } from './record-error.ts'

/** The end of a run that failed or was cancelled, from the error. */
export function endOf(cause: unknown): RunEnd {
  const error = toRecordError(cause)
  return { state: error.code === 'CANCELLED' ? 'cancelled' : 'failed', reason: error.message, error }
}
