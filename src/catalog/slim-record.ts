// The JSON of a record without what the catalog has elsewhere: the columns of its row, the content of its job, and what
// its backup repeats. JSON of earlier versions is the complete record.

import { isDeepStrictEqual } from 'node:util'
import type { BackupInfo } from '../wire/backup.ts'
import type { RunRecord, RunResult } from '../wire/record.ts'

/** The spec and args of a job: its id contains the hash of its content, so they are the same for all its runs. */
export type JobContent = Pick<RunRecord, 'spec' | 'args'>

/** What the row of a record says of it. An event has a state of its own. */
export interface RecordColumns extends Pick<RunRecord, 'rid' | 'server' | 'jobId' | 'action'> {
  state?: RunRecord['state'] | undefined
}

type Fields = Record<string, unknown>

/** @param content of its job, if the catalog has it */
export function printSlimRecord(
  record: RunRecord,
  columns: RecordColumns,
  content: JobContent | undefined,
): string {
  const { backup, ...result } = record.result ?? {}
  const slimResult = backup ? { ...result, backup: printSlimBackup(record, backup) } : record.result
  return JSON.stringify(omitKnown({ ...record, result: slimResult }, listKnown(columns, content)))
}

/** @returns a value for readRecordRow() */
export function parseSlimRecord(
  parsed: unknown,
  columns: RecordColumns,
  content: JobContent | undefined,
): unknown {
  if (!isFields(parsed) || 'rid' in parsed) return parsed
  const record = addKnown(parsed, listKnown(columns, content)) as RunRecord
  const backup: unknown = record.result?.backup
  if (!isFields(backup)) return record
  return { ...record, result: { ...record.result, backup: parseSlimBackup(record, backup) } }
}

function listKnown({ rid, server, jobId, action, state }: RecordColumns, content: JobContent | undefined) {
  return {
    rid,
    server,
    jobId,
    action,
    state,
    ...content,
    attempt: 1,
    type: jobId === '' ? 'once' : 'cron',
    end: null,
    reason: '',
    error: null,
    warnings: [],
    warningCount: 0,
    result: null,
    progress: null,
  }
}

function printSlimBackup(record: RunRecord, backup: BackupInfo): Fields {
  const known = listKnownOfBackup(record)
  const slim = omitKnown(backup, known)
  if (!backup.series) return slim
  return { ...slim, series: omitKnown(backup.series, listKnownOfSeries(record.result, backup.created)) }
}

function parseSlimBackup(record: RunRecord, slim: Fields): Fields {
  const backup = addKnown(slim, listKnownOfBackup(record))
  if (!isFields(slim.series)) return backup
  return { ...backup, series: addKnown(slim.series, listKnownOfSeries(record.result, backup.created)) }
}

function listKnownOfBackup({ rid, server, jobId, args, state, result }: RunRecord): Fields {
  const { app, proc, volume, instanceNo, containers, mode, path } = args
  return {
    server,
    name: result?.file,
    mode,
    app,
    proc,
    volume,
    instanceNo,
    source: path,
    containers,
    size: result?.size,
    rid,
    jobId,
    state,
    suspect: null,
    corrupt: null,
    verified: null,
    holds: [],
    sha256: null,
    hasIndex: mode === 'full',
    durability: 'synced',
    changedWhileRead: result?.changedWhileRead,
    series: null,
  }
}

function listKnownOfSeries(result: RunResult | null, created: unknown): Fields {
  const newest = result?.snapshot
  return { newest, lastGood: { id: newest, created } }
}

/** Lists the fields that are missing though they are known. */
const MISSING = '-'

function omitKnown(fields: object, known: Fields): Fields {
  const own = fields as Fields
  const kept = Object.entries(own).filter(([key, value]) => !isDeepStrictEqual(value, known[key]))
  const missing = Object.keys(known).filter((key) => known[key] !== undefined && own[key] === undefined)
  return { ...Object.fromEntries(kept), ...(missing.length > 0 && { [MISSING]: missing }) }
}

function addKnown({ [MISSING]: missing, ...fields }: Fields, known: Fields): Fields {
  const left = new Set(Array.isArray(missing) ? missing : [])
  return { ...Object.fromEntries(Object.entries(known).filter(([key]) => !left.has(key))), ...fields }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
