import { z } from 'zod'
import { legacyModeSchema } from './backup.ts'
import { moment, name, runArgs } from './fields.ts'
import { jobHooksSchema, sentHooksSchema } from './hook-options.ts'
import { keepOldSchema } from './kept-old.ts'
import { planHashSchema } from './plan-hash.ts'

/** Settings of a job that are not part of its id. A daemon ignores those that it does not know. */
export const jobOptionsSchema = z.object({
  /** Time limit of a run, in seconds. */
  timeLimitSeconds: z.number().int().positive().optional(),
  /** `strict`: a run is partial if any file of the volume changed during the run. */
  consistency: z.literal('strict').optional(),
  /** An increment reads every file, whatever its timestamps, once in this many days. */
  rereadEveryDays: z.number().int().positive().optional(),
  /** A verification ends after it has read so much; the daemon sets it for single runs. */
  maxReadBytes: z.number().int().positive().max(Number.MAX_SAFE_INTEGER).optional(),
  /** This run of an increment reads every file; set for single runs on request. */
  reread: z.boolean().optional(),
  /** How the hooks of a backup are run. */
  hooks: jobHooksSchema.optional(),
})
export type JobOptions = z.infer<typeof jobOptionsSchema>

/**
 * A schedule as it travels to a daemon. The first six fields are those of the legacy system; `options` is ours. It
 * is not part of the id, so that a legacy daemon ignores it and ids stay the same.
 */
export const jobSchema = z.object({
  id: name.max(200),
  spec: name.max(200),
  action: name.max(100),
  args: runArgs.nullish().transform((args) => args ?? {}),
  type: z.enum(['cron', 'once']).catch('cron'),
  sleep: z.boolean().catch(false),
  options: jobOptionsSchema.optional(),
})
export type Job = z.infer<typeof jobSchema>

/** A job with its times; `prev` and `next` are ISO 8601, or NEVER. */
export const scheduledJobSchema = z.object({ prev: moment, next: moment, job: jobSchema })
export type ScheduledJob = z.infer<typeof scheduledJobSchema>

/** When a job ran and will run next, and whether it sleeps. `id` as on the wire: empty for the expire job. */
export const jobTimesSchema = z.object({ id: name, prev: moment, next: moment, sleep: z.boolean() })
export type JobTimes = z.infer<typeof jobTimesSchema>

/** The ten args of a backup job, as in the legacy system. Lists for users omit `path` and `archive`. */
export const backupArgsSchema = z.object({
  app: z.string(),
  archive: z.string(),
  containers: z
    .array(z.string())
    .nullish()
    .transform((list) => list ?? []),
  instanceNo: z.coerce.number().int().nonnegative(),
  mode: legacyModeSchema,
  path: z.string(),
  postRun: z
    .string()
    .nullish()
    .transform((hook) => hook ?? ''),
  preRun: z
    .string()
    .nullish()
    .transform((hook) => hook ?? ''),
  proc: z.string(),
  volume: z.string(),
})
export type BackupArgs = z.infer<typeof backupArgsSchema>

/** `info` = [legacy source, expire, legacy source, expire, …]; see legacy-source.ts. */
export const expireArgsSchema = z.object({ info: z.array(z.string()) })

export const recoverArgsSchema = z.object({
  app: z.string(),
  proc: z.string(),
  /** The backup's name in the store. */
  backup: z.string(),
  /** The directory to recover into; empty: the volume that the backup is named after. */
  destDir: z.string(),
  /** Only inside a daemon: the paths of its jobs, if none is the volume that the backup is named after. */
  jobPaths: z.array(z.string()).optional(),
  /** null for a recover of everything. */
  files: z
    .array(z.string())
    .nullish()
    .transform((files) => files ?? null),
  /** The namespace of the backup: the IP of its server. */
  namespace: z.string(),
  /** What to do if processes have files of the volume open. */
  inUse: z.enum(['refuse', 'proceed']).optional(),
  /** What to do if the file system refuses the renames of a recover of the whole volume. */
  onRefusedRename: z.enum(['refuse', 'in-place']).optional(),
  /** Of an increment: its id or a prefix of it; null: the newest one that is not suspect. */
  snapshot: z
    .string()
    .nullish()
    .transform((id) => id ?? null),
  /** Only show what would be done. */
  plan: z.boolean().optional(),
  /** Of the plan that is to be carried out; the recover is refused if it would do something else. */
  planHash: planHashSchema.optional(),
  /** How long what is replaced is kept, ms; it is removed if this is left out. */
  keepOldMs: keepOldSchema.optional(),
  /** Recover a full backup that is not signed, or was altered. */
  acceptUnsigned: z.boolean().optional(),
  hooks: sentHooksSchema.optional(),
})
export type RecoverArgs = z.infer<typeof recoverArgsSchema>

/** Restores into a new folder and touches no volume: its records are not those of recovers of a volume. */
export const ELSEWHERE_ACTION = 'backup_recover_elsewhere'

/** Plans have a separate action, so that their records are not mistaken for those of recovers. */
const PLAN_ACTION = 'backup_recover_plan'

export function chooseRecoverAction({ plan = false, elsewhere = false }) {
  if (elsewhere) return ELSEWHERE_ACTION
  return plan ? PLAN_ACTION : 'backup_recover'
}
