import { findApp } from '../wire/find-app.ts'
import type { RunRecord } from '../wire/record.ts'
import { readRecordRow } from '../wire/repair-record.ts'
import type { Prisma } from './generated/client.ts'
import { timeKey } from './keyset.ts'
import { toBigInt } from './numbers.ts'

/** An invalid start time sorts below every valid one. */
const NO_TIME = '0000'

/**
 * The columns by which lists filter and sort; empty if the args do not have them.
 * @param startKey the key of an earlier version of this record, so that it keeps its position in lists when it starts
 */
export function makeRecordRow(
  record: RunRecord,
  eventSeq: number,
  startKey = makeStartKey(record),
): Prisma.RecordCreateManyInput {
  const { rid, server, jobId, action, state, args } = record
  const instanceNo = Number(args.instanceNo)
  return {
    rid,
    startKey,
    eventSeq,
    server,
    jobId,
    action,
    state,
    app: findApp(record),
    proc: toText(args.proc),
    volume: toText(args.volume),
    instanceNo: Number.isInteger(instanceNo) ? toBigInt(instanceNo) : null,
    mode: toText(args.mode),
  }
}

/** In a queued record, `start` is the time of the request. */
function makeStartKey({ start, rid }: RunRecord): string {
  return `${timeKey(start) ?? NO_TIME} ${rid}`
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

export function printRecord(record: RunRecord): string {
  return JSON.stringify(record)
}

/** Tolerates a bad row, which must not break a list: unreadable fields are left out. */
export function parseRecord(rid: string, json: string): RunRecord {
  return readRecordRow(rid, parseOrNothing(json))
}

function parseOrNothing(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return {}
  }
}
