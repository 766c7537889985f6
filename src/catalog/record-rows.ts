import { isDeepStrictEqual } from 'node:util'
import { isoTime } from '../lib/clock.ts'
import { CLOCK_TOLERANCE_MS } from '../lib/trusted-time.ts'
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

/**
 * The place of a new record in lists: its start, or `now` (unix ms) if that is far in the future. A daemon whose clock was
 * once wrong would otherwise have the newest record of its job for good.
 */
export function makeStartKey({ start }: RunRecord, now: number): string {
  const key = timeKey(start) ?? NO_TIME
  return key > isoTime(now + CLOCK_TOLERANCE_MS) ? isoTime(now) : key
}

/**
 * The columns by which lists filter and sort; empty if the args do not have them.
 * @param startKey if left out, that of a known record, which keeps its own
 */
export function makeRecordRow(record: RunRecord, eventSeq: number, startKey = NO_TIME): Row {
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

/** Whether the rows of two versions of a record differ in nothing but their state. */
export function isSameRow(one: RunRecord, other: RunRecord): boolean {
  const state = ''
  return isDeepStrictEqual({ ...makeRecordRow(one, 0), state }, { ...makeRecordRow(other, 0), state })
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
