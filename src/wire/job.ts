import { z } from 'zod'
import { recordedModeSchema } from './backup.ts'

/**
 * A schedule as it travels to a daemon. The first six are the recorded system's; `options` is ours and
 * stands outside the id, so that an original daemon ignores it and ids stay as recorded.
 */
export const jobSchema = z.object({
  id: z.string().max(200),
  spec: z.string().max(200),
  action: z.string().max(100),
  args: z
    .record(z.string(), z.unknown())
    .nullish()
    .transform((args) => args ?? {}),
  type: z.enum(['cron', 'once']).catch('cron'),
  sleep: z.boolean().catch(false),
  options: z
    .object({
      /** The longest a run may take, in seconds. */
      timeLimitSeconds: z.number().int().positive().optional(),
    })
    .optional(),
})
export type Job = z.infer<typeof jobSchema>

/** A job with its times; `prev` and `next` are ISO 8601, NEVER where there is none. */
export const scheduledJobSchema = z.object({ prev: z.string(), next: z.string(), job: jobSchema })
export type ScheduledJob = z.infer<typeof scheduledJobSchema>

/** The ten args of a backup job, as recorded. `path` and `archive` are left out of lists for users. */
export const backupArgsSchema = z.object({
  app: z.string(),
  archive: z.string(),
  containers: z
    .array(z.string())
    .nullish()
    .transform((list) => list ?? []),
  instanceNo: z.coerce.number().int().nonnegative(),
  mode: recordedModeSchema,
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

/** `info` = [source, expire, source, expire, …]; an increment's source ends in `@increment`. */
export const expireArgsSchema = z.object({ info: z.array(z.string()) })
export type ExpireArgs = z.infer<typeof expireArgsSchema>

export const recoverArgsSchema = z.object({
  app: z.string(),
  proc: z.string(),
  /** The backup's name in the store. */
  backup: z.string(),
  /** The directory to recover into; empty = where the backup was made. */
  destDir: z.string(),
  /** null for a recover of all of it. */
  files: z
    .array(z.string())
    .nullish()
    .transform((files) => files ?? null),
  /** The server (IP) in whose folder of the store the backup lies. */
  namespace: z.string(),
  /** What to do where processes hold the volume open. */
  inUse: z.enum(['refuse', 'proceed']).optional(),
  /** Of an increment: its id, or the beginning of it; null = the newest one that is not suspect. */
  snapshot: z
    .string()
    .nullish()
    .transform((id) => id ?? null),
  /** Only tell what would be done. */
  plan: z.boolean().optional(),
})
export type RecoverArgs = z.infer<typeof recoverArgsSchema>
