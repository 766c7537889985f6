import { BackupdError } from '../lib/errors.ts'

/**
 * Whether the same call may succeed a moment later: the driver has said so by the fact `transient`. Whatever lacks it, such
 * as a missing right, a wrong bucket or a full store, is never tried again.
 */
export function isTransient(error: unknown): boolean {
  return error instanceof BackupdError && error.facts.transient === true
}
