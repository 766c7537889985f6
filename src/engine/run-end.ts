import type { RunEnd } from './ports.ts'
import { toRecordError } from './record-error.ts'

/** Makes the end of a run that failed or was cancelled from its error. */
export function toFailure(cause: unknown): RunEnd {
  const error = toRecordError(cause)
  return { state: error.code === 'CANCELLED' ? 'cancelled' : 'failed', reason: error.message, error }
}
