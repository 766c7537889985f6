import { z } from 'zod'
import { NEVER } from '../lib/clock.ts'
import { backupInfoSchema, changedWhileReadSchema } from './backup.ts'
import {
  bigCount,
  count,
  ipv4,
  json,
  jsonObject,
  measure,
  moment,
  name,
  objectName,
  rid,
  runArgs,
  toWords,
  words,
} from './fields.ts'
import { recoverPlanSchema } from './snapshot.ts'

export const RECORD_STATES = [
  'queued',
  'running',
  'success',
  'partial',
  'failed',
  'cancelled',
  'lost',
] as const
export type RecordState = (typeof RECORD_STATES)[number]

const TERMINAL: ReadonlySet<RecordState> = new Set(['success', 'partial', 'failed', 'cancelled', 'lost'])
export function isTerminal(state: RecordState): boolean {
  return TERMINAL.has(state)
}

/** The phase of a run while it waits for its store, or for a lock in it: it is not hung then. */
export const WAIT_FOR_STORE = 'wait-store'

export const progressSchema = z.object({
  /** `walk`, `pack`, `publish`, `check`, `unpack`, `swap`, … */
  phase: words,
  bytesDone: bigCount,
  bytesTotal: bigCount.nullable(),
  filesDone: count,
  filesTotal: count.nullable(),
  /** Text form of lib/byte-paths.ts. */
  currentPath: words.nullable(),
  bytesPerSecond: measure.nullable(),
  etaSeconds: measure.nullable(),
})
export type Progress = z.infer<typeof progressSchema>

export const recordErrorSchema = z.object({
  code: name,
  message: words,
  facts: jsonObject,
})
export type RecordError = z.infer<typeof recordErrorSchema>

/** What a run produced. `file` and `size` are the recorded system's; the rest is ours. */
export const runResultSchema = z
  .object({
    file: objectName.optional(),
    /** Bytes in the store. */
    size: bigCount.optional(),
    /** The backup as it now stands in the store, for `backup` and `verify`. */
    backup: backupInfoSchema.optional(),
    /** Names that are no longer in the store, for `backup_expire` and deletes. */
    deleted: z.array(name).optional(),
    /** Entries restored, for `backup_recover`. */
    entriesRestored: count.optional(),
    bytesRestored: bigCount.optional(),
    /** Series that changed, as they now stand in the store, for `backup_expire`. */
    changed: z.array(backupInfoSchema).optional(),
    /** Ids of snapshots that are no longer in their series. */
    deletedSnapshots: z.array(name).optional(),
    /** Bytes that a prune gave back to the store. */
    bytesFreed: bigCount.optional(),
    /** What a recover would do, where only that was asked. */
    plan: recoverPlanSchema.optional(),
    /** For `backup` with mode increment. */
    snapshot: name.optional(),
    filesNew: count.optional(),
    filesChanged: count.optional(),
    filesUnchanged: count.optional(),
    filesDeleted: count.optional(),
    bytesRead: bigCount.optional(),
    bytesAdded: bigCount.optional(),
    /** For `backup`. */
    changedWhileRead: changedWhileReadSchema.optional(),
  })
  .catchall(json)
export type RunResult = z.infer<typeof runResultSchema>

export const MAX_WARNINGS = 1000

/**
 * One run, as a protocol 2 daemon tells it. `seq` counts the changes of this record on its daemon, progress
 * included: of two versions of one rid the higher seq is the newer one, in whatever order they arrive.
 */
export const recordSchema = z.object({
  rid,
  seq: bigCount,
  attempt: count,
  /** IP of the daemon. */
  server: ipv4,
  /** Empty for a one-off action. */
  jobId: name,
  spec: name,
  action: name,
  args: runArgs,
  type: z.enum(['cron', 'once']),
  state: z.enum(RECORD_STATES),
  /** ISO 8601; when it was queued until it runs. */
  start: moment,
  /** ISO 8601, or null until it ended. */
  end: moment.nullable(),
  reason: words,
  error: recordErrorSchema.nullable(),
  /** The first thousand; `warningCount` says how many there were. */
  warnings: z.array(z.string()).transform((list) => list.slice(0, MAX_WARNINGS).map(toWords)),
  warningCount: count,
  result: runResultSchema.nullable(),
  progress: progressSchema.nullable(),
})
export type RunRecord = z.infer<typeof recordSchema>

/**
 * News of one record put onto what is known of it. The same result in any order, once or twice, since versions
 * have one order: the daemon's own end is the last word and never changes; before it the higher seq is the
 * newer one; `lost`, which is only the controller's guess, stands until a later word. A record stays with its server:
 * what another one says of it changes nothing.
 * @returns the record as it then stands, or undefined where the news changes nothing.
 */
export function applyNews(known: RunRecord | undefined, news: RunRecord): RunRecord | undefined {
  if (!known) return news
  return news.server === known.server && isNewer(news, known) ? news : undefined
}

function isNewer(news: RunRecord, known: RunRecord): boolean {
  if (isOwnEnd(known)) return false
  if (isOwnEnd(news) || news.seq !== known.seq) return isOwnEnd(news) || news.seq > known.seq
  return news.state === 'lost' && known.state !== 'lost'
}

function isOwnEnd({ state }: RunRecord): boolean {
  return isTerminal(state) && state !== 'lost'
}

/** The record as the recorded system posts it: two posts a run, its own states, `end` = NEVER while it runs. */
export const legacyRecordSchema = z.object({
  id: name,
  spec: name,
  action: name,
  args: runArgs.nullable(),
  type: name,
  sleep: z.boolean(),
  rid,
  result: json.optional(),
  state: name,
  start: moment,
  end: moment,
  reason: words,
})
export type LegacyRecord = z.infer<typeof legacyRecordSchema>

const LEGACY_STATE: Record<RecordState, string> = {
  queued: 'running',
  running: 'running',
  success: 'success',
  partial: 'failed',
  failed: 'failed',
  cancelled: 'failed',
  lost: 'failed',
}

/** Args of ours, which the recorded system's posts do not carry. */
const OWN_ARGS: ReadonlySet<string> = new Set(['inUse', 'onRefusedRename', 'snapshot', 'plan'])

/** What is beyond the recorded system reads `failed` with the reason, so that no old script takes it for a success. */
export function toLegacyRecord(record: RunRecord): LegacyRecord {
  const { file, size } = record.result ?? {}
  return {
    id: record.jobId,
    spec: record.spec,
    action: record.action,
    args: Object.fromEntries(Object.entries(record.args).filter(([name]) => !OWN_ARGS.has(name))),
    type: record.type,
    sleep: false,
    rid: record.rid,
    result: file === undefined ? null : { file, size: size ?? 0 },
    state: LEGACY_STATE[record.state],
    start: record.start,
    end: record.end ?? NEVER,
    reason: record.reason,
  }
}
