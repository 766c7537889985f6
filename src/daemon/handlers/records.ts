import { BackupdError } from '../../lib/errors.ts'
import { parseShape } from '../../wire/json.ts'
import { logPageArgs } from '../../wire/run-log.ts'
import type { DaemonAnswer, DaemonCall, DaemonParts } from '../http/route.ts'

export function handleRecord({ params }: DaemonCall, { engine }: DaemonParts): DaemonAnswer {
  const rid = params.rid ?? ''
  const record = engine.record(rid)
  if (record) return { status: 200, body: record }
  throw new BackupdError('NOT_FOUND', `The record "${rid}" does not exist on this daemon`)
}

/** Answers with a page of the log of a run; it has no lines if the daemon does not have it any more. */
export function handleRecordLog({ params, fields }: DaemonCall, { engine }: DaemonParts): DaemonAnswer {
  const given = ['after', 'limit'].filter((name) => fields.has(name))
  const asked = Object.fromEntries(given.map((name) => [name, fields.text(name)]))
  const page = parseShape('The page of a log', asked, logPageArgs)
  return { status: 200, body: engine.log(params.rid ?? '', page) }
}

/** Answers with the record after the request; a running one ends a little later. */
export function handleRecordCancel({ params }: DaemonCall, { engine }: DaemonParts): DaemonAnswer {
  return { status: 202, body: engine.cancel(params.rid ?? '') }
}
