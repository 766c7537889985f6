import { getSystemErrorMap } from 'node:util'
import { errnoOf, messageOf } from '../../lib/errors.ts'

/**
 * Why a call of the system's failed, without the path it was given, which may be one of ours:
 * `permission denied (EACCES)`. Anything else that was thrown is a fault of ours, and thrown again.
 */
export function reasonOf(error: unknown): string {
  const code = errnoOf(error)
  if (code === undefined) throw error
  const known = [...getSystemErrorMap().values()].find(([name]) => name === code)
  return known ? `${known[1]} (${known[0]})` : messageOf(error)
}
