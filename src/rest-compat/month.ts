import { BackupdError } from '../lib/errors.ts'
import type { RequestFields } from '../wire/request-fields.ts'

/** Start of the requested month and of the next, ISO 8601 in UTC. Year and month default to the present (also if 0). */
export function readMonth(fields: RequestFields, now: number): { from: string; to: string } {
  const today = new Date(now)
  const year = fields.whole('year') || today.getUTCFullYear()
  const month = fields.whole('month') || today.getUTCMonth() + 1
  if (month > 12) throw new BackupdError('BAD_INPUT', `"month" is ${month}: write 1 to 12`)
  if (year < 1970 || year > 9998) throw new BackupdError('BAD_INPUT', `"year" is ${year}: write 1970 to 9998`)
  return {
    from: new Date(Date.UTC(year, month - 1)).toISOString(),
    to: new Date(Date.UTC(year, month)).toISOString(),
  }
}
