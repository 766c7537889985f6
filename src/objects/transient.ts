import { BackupdError } from '../lib/errors.ts'

/**
 * Whether the same call may succeed a moment later: the driver has said so by the fact `transient`. Whatever lacks it, such
 * as a missing right, a wrong bucket or a full store, is never tried again.
 */
export function isTransient(error: unknown): boolean {
  return error instanceof BackupdError && error.facts.transient === true
}

/** How long the same call may be tried again, ms: a driver may know that its error will not end later, by the fact `retryMs`. */
export function retryMsOf({ facts }: BackupdError): number {
  return typeof facts.retryMs === 'number' ? facts.retryMs : Number.POSITIVE_INFINITY
}
