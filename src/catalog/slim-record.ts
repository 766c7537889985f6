// The JSON of a record without what the catalog has elsewhere: the columns of its row, the content of its job, and what
// its backup repeats. JSON of earlier versions is the complete record.

import { isDeepStrictEqual } from 'node:util'
import { backupName } from '../wire/archive-name.ts'
import type { RunRecord } from '../wire/record.ts'
import { parseSlimPhases, printSlimPhases } from './slim-phases.ts'

/** The spec and args of a job: its id contains the hash of its content, so they are the same for all its runs. */
export type JobContent = Pick<RunRecord, 'spec' | 'args'>

/** What the row of a record says of it. An event has a state of its own. */
export interface RecordColumns extends Pick<RunRecord, 'rid' | 'server' | 'jobId' | 'action'> {
  state?: RunRecord['state'] | undefined
  startKey?: string | undefined
}

type Fields = Record<string, unknown>

/** @param content of its job, if the catalog has it */
export function printSlimRecord(
  record: RunRecord,
  columns: RecordColumns,
  content: JobContent | undefined,
): string {
  const { result, progress, phases, ...rest } = record
  const made = printMade(record)
  const parts = {
    ...rest,
    progress: progress && omitKnown(progress, KNOWN_OF_PROGRESS),
    phases: phases && printSlimPhases(phases, record.start),
    ...(made ? { made } : { result }),
  }
  const known = listKnown(columns, content)
  return JSON.stringify(omitKnown(parts, made ? { ...known, result: undefined } : known))
}

/** @returns a value for readRecordRow() */
export function parseSlimRecord(
  parsed: unknown,
  columns: RecordColumns,
  content: JobContent | undefined,
): unknown {
  if (!isFields(parsed) || 'rid' in parsed) return parsed
  const { made, progress, phases, ...rest } = addKnown(parsed, listKnown(columns, content))
  const record = {
    ...rest,
    progress: isFields(progress) ? addKnown(progress, KNOWN_OF_PROGRESS) : progress,
    ...(phases !== undefined && { phases: parseSlimPhases(phases, rest.start) }),
  }
  return isFields(made) ? { ...record, result: parseMade(rest as RunRecord, made) } : record
}

/** Part of the stored form: with other values here, rows that were stored before would read differently. */
function listKnown(
  { rid, server, jobId, action, state, startKey }: RecordColumns,
  content: JobContent | undefined,
): Fields {
  return {
    rid,
    server,
    jobId,
    action,
    state,
    start: startKey,
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

/** Of a run that has ended well. */
const KNOWN_OF_PROGRESS: Fields = {
  phase: 'publish',
  bytesTotal: null,
  filesTotal: null,
  currentPath: null,
  bytesPerSecond: null,
  etaSeconds: null,
}

/** The result of a run that made a backup; undefined for any other, and if a field has one of our own names. */
function printMade(record: RunRecord): Fields | undefined {
  const { result } = record
  if (!result?.backup || Object.keys(result).some((name) => LONG_NAMES.has(name))) return undefined
  const { backup, ...rest } = result
  const { series } = backup
  const slimSeries = series && omitKnown(series, listKnownOfSeries(rest, backup.created))
  const slim = omitKnown({ ...backup, series: slimSeries }, listKnownOfBackup(record, backup.created))
  return omitKnown({ ...rest, backup: slim }, listKnownOfResult(backup))
}

function parseMade(record: RunRecord, slim: Fields): Fields {
  const { backup: slimBackup, ...made } = restoreNames(slim)
  const fields = isFields(slimBackup) ? restoreNames(slimBackup) : {}
  const backup = addKnown(fields, listKnownOfBackup(record, fields.created))
  const result = addKnown(made, listKnownOfResult(backup))
  if (!isFields(backup.series)) return { ...result, backup }
  const series = addKnown(backup.series, listKnownOfSeries(result, backup.created))
  return { ...result, backup: { ...backup, series } }
}

function listKnownOfBackup({ rid, server, jobId, args, state }: RunRecord, created: unknown): Fields {
  const { app, proc, volume, instanceNo, containers, mode, path, archive } = args
  const isFull = mode === 'full'
  return {
    server,
    name: isFull ? backupName(String(archive), toSeconds(created)) : archive,
    mode,
    app,
    proc,
    volume,
    instanceNo,
    source: path,
    containers,
    rid,
    jobId,
    state,
    suspect: null,
    corrupt: null,
    verified: null,
    holds: [],
    sha256: null,
    hasIndex: isFull,
    durability: 'synced',
    changedWhileRead: { count: 0, names: [] },
    series: null,
  }
}

function toSeconds(created: unknown): number {
  return Math.floor(Date.parse(String(created)) / 1000)
}

function listKnownOfResult({ name, size, changedWhileRead }: Fields): Fields {
  return { file: name, size, changedWhileRead }
}

function listKnownOfSeries({ snapshot }: Fields, created: unknown): Fields {
  return { newest: snapshot, lastGood: { id: snapshot, created } }
}

/** Lists the fields that are missing though they are known. */
const MISSING = '-'

/** The fields that nearly every record has. */
const SHORT_NAMES = new Map(
  Object.entries({
    seq: 'n',
    start: 's',
    end: 'e',
    progress: 'p',
    bytesDone: 'pb',
    filesDone: 'pf',
    phases: 'h',
    made: 'm',
    backup: 'b',
    size: 'bz',
    created: 'bc',
    sequence: 'bn',
    sha256: 'bh',
    files: 'bf',
    bytes: 'bb',
    series: 'bs',
    snapshots: 'sn',
    oldestCreated: 'so',
    snapshot: 'i',
    filesNew: 'fn',
    filesChanged: 'fc',
    filesUnchanged: 'fu',
    filesDeleted: 'fd',
    bytesRead: 'br',
    bytesAdded: 'ba',
  }),
)
const LONG_NAMES = new Map([...SHORT_NAMES].map(([long, short]) => [short, long])).set(MISSING, MISSING)

function omitKnown(fields: object, known: Fields): Fields {
  const own = fields as Fields
  const kept = Object.entries(own).filter(([key, value]) => !isDeepStrictEqual(value, known[key]))
  const missing = Object.keys(known).filter((key) => known[key] !== undefined && own[key] === undefined)
  const named = kept.map(([key, value]) => [SHORT_NAMES.get(key) ?? key, value])
  return { ...Object.fromEntries(named), ...(missing.length > 0 && { [MISSING]: missing }) }
}

/** Called several times for each record of a list, so without lists of entries. */
function addKnown(slim: Fields, known: Fields): Fields {
  const fields: Fields = { ...known }
  const missing = slim[MISSING]
  if (Array.isArray(missing)) for (const key of missing) delete fields[key]
  copyRestored(slim, fields)
  return fields
}

function restoreNames(slim: Fields): Fields {
  const fields: Fields = {}
  copyRestored(slim, fields)
  if (slim[MISSING] !== undefined) fields[MISSING] = slim[MISSING]
  return fields
}

/** Copies all fields but the list of missing ones. */
function copyRestored(slim: Fields, fields: Fields): void {
  for (const key of Object.keys(slim)) {
    // An assignment to this name would change the prototype.
    if (key !== MISSING && key !== '__proto__') fields[LONG_NAMES.get(key) ?? key] = slim[key]
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
