// The handlers of the daemon's routes, one file for each group of routes in ../routes.ts. A handler checks the fields
// of the request, asks the engine, and returns a status and a body. It knows neither Fastify (../http) nor where the
// store is. Statuses and texts that the legacy daemon also sends must stay as they are.

import { BackupdError } from '../../lib/errors.ts'
import { RID_PATTERN } from '../../wire/ids.ts'
import type { RequestFields } from '../../wire/request-fields.ts'
import type { DaemonParts } from '../http/route.ts'

/** The rid chosen by the caller, if any. Throws BAD_INPUT. */
export function readRid(fields: RequestFields): { rid?: string } {
  const rid = fields.text('rid')
  if (rid === '') return {}
  if (RID_PATTERN.test(rid)) return { rid }
  throw new BackupdError(
    'BAD_INPUT',
    `"${rid}" is not a record id, expected unix seconds and 32 hex digits, or none`,
  )
}

/** Throws STORE_UNAVAILABLE until interrupted runs are settled. */
export function checkReady(world: DaemonParts): void {
  const reason = world.notReady()
  if (reason === undefined) return
  throw new BackupdError(
    'STORE_UNAVAILABLE',
    `The daemon does not accept work yet: ${reason}. Ask again soon`,
  )
}

/** False if it is left out. Throws BAD_INPUT for anything but true or false. */
export function readFlag(fields: RequestFields, name: string): boolean {
  const text = fields.text(name)
  if (['', 'true', 'false'].includes(text)) return text === 'true'
  throw new BackupdError('BAD_INPUT', `"${name}" is "${text}", expected true or false`)
}
