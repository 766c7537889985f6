import { getSystemErrorMap } from 'node:util'
import { errnoOf, messageOf } from '../../lib/errors.ts'

/**
 * Why a system call failed, without its path, which may be an internal one: `permission denied (EACCES)`.
 * An error without an errno is a bug of ours, and thrown again.
 */
export function describeReason(error: unknown): string {
  const code = errnoOf(error)
  if (code === undefined) throw error
  const known = [...getSystemErrorMap().values()].find(([name]) => name === code)
  return known ? `${known[1]} (${known[0]})` : messageOf(error)
}
