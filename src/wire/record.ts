import { z } from 'zod'
import { NEVER } from '../lib/clock.ts'
import { backupInfoSchema, changedWhileReadSchema } from './backup.ts'
import { drillResultSchema } from './drill.ts'
import {
  bigCount,
  count,
  ipv4,
  json,
  jsonObject,
  lines,
  measure,
  moment,
  name,
  objectName,
  rid,
  runArgs,
  toWords,
  words,
} from './fields.ts'
import { keptOldSchema } from './kept-old.ts'
import { runPhasesSchema } from './run-phase.ts'
import { recoverPlanSchema } from './snapshot.ts'
import { verifyResultSchema } from './verification.ts'

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

/** The states of a run that has not ended; all others are terminal. */
export const UNFINISHED_STATES: readonly RecordState[] = ['queued', 'running']

export function isTerminal(state: RecordState): boolean {
  return !UNFINISHED_STATES.includes(state)
}

/** The phase of a run that waits for its store or for a lock in it; such a run does not count as hung. */
export const WAIT_FOR_STORE = 'wait-store'
/** The phase of a run that gives way to others. */
export const PAUSED = 'paused'

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

/** More calls of a run are only in the log of its daemon. */
export const MAX_HOOK_RUNS = 1000
/** How many calls of a run GraphQL lists. */
export const MAX_LISTED_HOOKS = 100

/** One call of a hook. */
export const hookRunSchema = z.object({
  /** `pre_run`, `post_run`, … */
  hook: name,
  /** null: on the machine of the daemon. */
  container: name.nullable(),
  /** 2 and more: it was run again, because nobody knew how it had ended. */
  attempt: count,
  /** Why it failed, one sentence; empty if it succeeded. */
  failure: words,
  /** null if a signal ended it. */
  exitCode: z.number().int().min(-255).max(255).nullable(),
  /** The ends of what it wrote. */
  stdout: lines,
  stderr: lines,
})
export type HookRun = z.infer<typeof hookRunSchema>

/** The calls that are listed: if they are too many, those that failed come first. */
export function chooseListedHooks(runs: readonly HookRun[]): HookRun[] {
  if (runs.length <= MAX_LISTED_HOOKS) return [...runs]
  const [failed, others] = [runs.filter(({ failure }) => failure), runs.filter(({ failure }) => !failure)]
  return [...failed, ...others].slice(0, MAX_LISTED_HOOKS)
}

/** What a run produced. `file` and `size` come from the legacy system, the rest is ours. */
export const runResultSchema = z
  .object({
    file: objectName.optional(),
    /** Bytes in the store. */
    size: bigCount.optional(),
    /** The present backup in the store, for `backup`, `backup_verify` and `backup_drill`. */
    backup: backupInfoSchema.optional(),
    /** Names deleted from the store, for `backup_expire` and deletes. */
    deleted: z.array(name).optional(),
    /** Entries restored, for `backup_recover`. */
    entriesRestored: count.optional(),
    /** Names of files among them. */
    filesRestored: count.optional(),
    bytesRestored: bigCount.optional(),
    /** The new folder, for `backup_recover_elsewhere`. */
    directory: z.string().max(4096).optional(),
    /** What it replaced and kept, for `backup_recover`. */
    keptOld: keptOldSchema.optional(),
    /** The present state of other backups that it changed: series, for `backup_expire`; one that is held, for `backup`. */
    changed: z.array(backupInfoSchema).optional(),
    /** Ids of deleted snapshots. */
    deletedSnapshots: z.array(name).optional(),
    /** Bytes that a prune freed in the store. */
    bytesFreed: bigCount.optional(),
    /** What a recover would do, if only a plan was requested. */
    plan: recoverPlanSchema.optional(),
    /** For `backup` with mode increment. */
    snapshot: name.optional(),
    filesNew: count.optional(),
    filesChanged: count.optional(),
    filesUnchanged: count.optional(),
    filesDeleted: count.optional(),
    bytesRead: bigCount.optional(),
    bytesAdded: bigCount.optional(),
    /** For `backup_verify`. */
    verification: verifyResultSchema.optional(),
    /** For `backup_drill`. */
    drill: drillResultSchema.optional(),
    /** For `backup`. */
    changedWhileRead: changedWhileReadSchema.optional(),
    /** The hooks that were run, in order. */
    hooks: z.array(hookRunSchema).max(MAX_HOOK_RUNS).optional(),
  })
  .catchall(json)
export type RunResult = z.infer<typeof runResultSchema>

export const MAX_WARNINGS = 1000

/**
 * One run, as a protocol 2 daemon reports it. `seq` counts the changes of the record on its daemon, progress included:
 * of two versions of one rid, the higher seq is the newer one, in whatever order they arrive.
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
  /** ISO 8601; until the run begins, the time of its request. */
  start: moment,
  /** ISO 8601; null until it has ended. */
  end: moment.nullable(),
  reason: words,
  error: recordErrorSchema.nullable(),
  /** The first MAX_WARNINGS; `warningCount` is the total number. */
  warnings: z.array(z.string()).transform((list) => list.slice(0, MAX_WARNINGS).map(toWords)),
  warningCount: count,
  result: runResultSchema.nullable(),
  progress: progressSchema.nullable(),
  /** Missing in records of older daemons. */
  phases: runPhasesSchema.optional(),
})
export type RunRecord = z.infer<typeof recordSchema>

type Outcome = 'end' | 'reason' | 'error' | 'warnings' | 'warningCount' | 'result' | 'progress'

/** The fields of a record of which nothing is known but that its run was requested. */
export function makeNoOutcome(): Pick<RunRecord, Outcome> {
  return { end: null, reason: '', error: null, warnings: [], warningCount: 0, result: null, progress: null }
}

/** A record as the legacy system posts it: two posts for each run, with its own states; `end` = NEVER while it runs. */
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

/** Our own args, which legacy posts do not have. */
const OWN_ARGS: ReadonlySet<string> = new Set([
  'inUse',
  'onRefusedRename',
  'snapshot',
  'plan',
  'planHash',
  'hooks',
])

/**
 * States unknown to the legacy system become `failed` with the reason, so that no script mistakes them for a success.
 */
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
