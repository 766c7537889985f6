import { parseJson } from '../wire/json.ts'
import { type RunRecord, recordSchema } from '../wire/record.ts'
import type { Prisma } from './generated/client.ts'
import { timeKey } from './keyset.ts'
import { toBigInt } from './numbers.ts'

/** The app that the system's own jobs belong to. */
const SYSTEM_APP = 'backupctl'
/** A start that is no time sorts below every one that is. */
const NO_TIME = '0000'

/** What lists filter and sort by; what the args do not tell is empty. */
export function recordRow(record: RunRecord, eventSeq: number): Prisma.RecordCreateManyInput {
  const { rid, server, jobId, action, state, args } = record
  const instanceNo = Number(args.instanceNo)
  return {
    rid,
    startKey: `${timeKey(record.start) ?? NO_TIME} ${rid}`,
    eventSeq,
    server,
    jobId,
    action,
    state,
    app: appOf(record),
    proc: textOf(args.proc),
    volume: textOf(args.volume),
    instanceNo: Number.isInteger(instanceNo) ? toBigInt(instanceNo) : null,
    mode: textOf(args.mode),
  }
}

export function appOf({ action, args }: RunRecord): string {
  return textOf(args.app) || (action === 'backup_expire' ? SYSTEM_APP : '')
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

export function recordJson(record: RunRecord): string {
  return JSON.stringify(record)
}

export function recordOf(rid: string, json: string): RunRecord {
  return parseJson(`The catalog's record ${rid}`, json, recordSchema)
}
