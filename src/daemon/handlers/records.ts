import { BackupdError } from '../../lib/errors.ts'
import type { DaemonAnswer, DaemonCall, DaemonParts } from '../http/route.ts'

export function handleRecord({ params }: DaemonCall, { engine }: DaemonParts): DaemonAnswer {
  const rid = params.rid ?? ''
  const record = engine.record(rid)
  if (record) return { status: 200, body: record }
  throw new BackupdError('NOT_FOUND', `The record "${rid}" does not exist on this daemon`)
}

/** Answers with the record after the request; a running one ends a little later. */
export function handleRecordCancel({ params }: DaemonCall, { engine }: DaemonParts): DaemonAnswer {
  return { status: 202, body: engine.cancel(params.rid ?? '') }
}
