import { isDeepStrictEqual } from 'node:util'
import { findApp } from '../wire/find-app.ts'
import type { RunRecord } from '../wire/record.ts'
import { readRecordRow } from '../wire/repair-record.ts'
import type { Prisma } from './generated/client.ts'
import { timeKey } from './keyset.ts'
import { toBigInt } from './numbers.ts'
import { type JobContent, parseSlimRecord, type RecordColumns } from './slim-record.ts'

/** An invalid start time sorts below every valid one. */
const NO_TIME = '0000'

type Row = Prisma.RecordCreateManyInput

/** The columns by which lists filter and sort; empty if the args do not have them. */
export function makeRecordRow(record: RunRecord, eventSeq: number): Row {
  const { rid, server, jobId, action, state, args } = record
  const instanceNo = Number(args.instanceNo)
  return {
    rid,
    // In a queued record, `start` is the time of the request.
    startKey: timeKey(record.start) ?? NO_TIME,
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

/** Whether the rows of two versions of a record differ in nothing but their state. */
export function isSameRow(one: RunRecord, other: RunRecord): boolean {
  const rest = { state: '', startKey: '' }
  return isDeepStrictEqual({ ...makeRecordRow(one, 0), ...rest }, { ...makeRecordRow(other, 0), ...rest })
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** What is stored of a record besides its row: its JSON, and that of JobContent for a run of a job. */
export interface StoredRecord extends RecordColumns {
  json: string
  content: string | null
}

/** Tolerates a bad row, which must not break a list: unreadable fields are left out. */
export function parseStoredRecord({ json, content, ...columns }: StoredRecord): RunRecord {
  const shared = content === null ? undefined : (parseOrNothing(content) as JobContent)
  return readRecordRow(columns.rid, parseSlimRecord(parseOrNothing(json), columns, shared))
}

function parseOrNothing(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return {}
  }
}
