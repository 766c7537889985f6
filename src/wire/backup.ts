import { z } from 'zod'

/** Where lainlet names no mode the recorded system writes an empty one, and makes a full backup. */
export const recordedModeSchema = z
  .enum(['full', 'increment', ''])
  .nullish()
  .transform((mode) => mode || 'full')

/** A backup as the recorded system lists it (`GET /api/v1/backup/json` of a daemon, and `.meta`). */
export const backupEntitySchema = z.object({
  mode: recordedModeSchema,
  /** Absolute path of the volume on its server. */
  source: z.string(),
  volume: z.string(),
  name: z.string(),
  server: z.string(),
  size: z.number(),
  created: z.string(),
  containers: z.array(z.string()).nullable(),
  instanceNo: z.number().int(),
})
export type BackupEntity = z.infer<typeof backupEntitySchema>

/** Marks a backup whose `created` may be wrong: the clock differed too much from the trusted time (ISO 8601). */
export const clockDoubtSchema = z.object({ trusted: z.string() })
export type MadeInDoubt = z.infer<typeof clockDoubtSchema>

/** Files of a backup that changed since its run began. */
export const changedWhileReadSchema = z.object({
  count: z.number().int().nonnegative(),
  /** Of the first hundred: paths in the volume, text form of lib/byte-paths.ts. */
  names: z.array(z.string()),
})
export type ChangedWhileRead = z.infer<typeof changedWhileReadSchema>

/**
 * `<name>.manifest.json` beside a full backup. What must outlive the catalog stands here.
 * Sizes in bytes, times ISO 8601, digests hex sha256.
 */
export const manifestSchema = z.object({
  format: z.literal(1),
  name: z.string(),
  mode: z.literal('full'),
  app: z.string(),
  proc: z.string(),
  volume: z.string(),
  instanceNo: z.number().int(),
  containers: z.array(z.string()),
  /** Absolute path of the volume on its server. */
  source: z.string(),
  server: z.string(),
  created: z.string(),
  /** Per volume, counts up by one with each backup: the order of backups, whatever the clock said. */
  sequence: z.number().int().nonnegative(),
  rid: z.string(),
  jobId: z.string(),
  state: z.enum(['success', 'partial']),
  /** Why this backup is doubtful (empty or unmounted where it was not before); null where it is not. */
  suspect: z.string().nullable(),
  /** The archive as it lies in the store. */
  size: z.number(),
  sha256: z.string(),
  /** The index beside it (`<name>.index.gz`); null where there is none. */
  index: z.object({ size: z.number(), sha256: z.string() }).nullable(),
  /** What is inside: entries by kind, bytes of file content, bytes of the tar stream. */
  entries: z.number().int(),
  files: z.number().int(),
  bytes: z.number(),
  tarBytes: z.number(),
  /** The root when it was read: to tell next time whether this is the mount it was. */
  root: z.object({ device: z.string(), mountPoint: z.boolean() }),
  warnings: z.array(z.string()),
  warningCount: z.number().int(),
  /** What could not be kept on this machine, such as `extended attributes`; empty normally. */
  notKept: z.array(z.string()),
  durability: z.enum(['synced', 'acknowledged']),
  verified: z.string().nullable(),
  corrupt: z.object({ at: z.string(), reason: z.string() }).nullable(),
  /** Reasons to keep it whatever its age. */
  holds: z.array(z.string()),
  clockDoubt: clockDoubtSchema.optional(),
  /** Absent if a version that did not look wrote it. */
  changedWhileRead: changedWhileReadSchema.optional(),
  /** Version of backupd that wrote it. */
  writer: z.string(),
})
export type Manifest = z.infer<typeof manifestSchema>

/** What a series of snapshots is, as a whole. */
export const seriesSchema = z.object({
  /** How many there are. */
  snapshots: z.number().int(),
  /** Restic's id of the newest one. */
  newest: z.string(),
  lastGood: z.object({ id: z.string(), created: z.string() }).nullable(),
})
export type Series = z.infer<typeof seriesSchema>

/**
 * A backup as a protocol 2 daemon lists it and the catalog keeps it. Made of the manifest where there is one;
 * an archive without (the recorded system's) has what `.meta` and the folder tell, the rest null. A series of snapshots
 * has its newest one's.
 */
export const backupInfoSchema = z.object({
  /** The namespace (server IP) it lies in. */
  server: z.string(),
  name: z.string(),
  mode: z.enum(['full', 'increment']),
  app: z.string(),
  proc: z.string(),
  volume: z.string(),
  instanceNo: z.number().int(),
  source: z.string(),
  containers: z.array(z.string()),
  size: z.number(),
  created: z.string(),
  sequence: z.number().int(),
  rid: z.string().nullable(),
  jobId: z.string().nullable(),
  state: z.enum(['success', 'partial']),
  suspect: z.string().nullable(),
  corrupt: z.string().nullable(),
  verified: z.string().nullable(),
  holds: z.array(z.string()),
  sha256: z.string().nullable(),
  hasIndex: z.boolean(),
  files: z.number().int().nullable(),
  bytes: z.number().nullable(),
  durability: z.enum(['synced', 'acknowledged']).nullable(),
  clockDoubt: clockDoubtSchema.optional(),
  changedWhileRead: changedWhileReadSchema.optional(),
  /** null for what is no series of snapshots: archives, and mirrors of the recorded system. */
  series: seriesSchema.nullish().transform((series) => series ?? null),
})
export type BackupInfo = z.infer<typeof backupInfoSchema>

/** Whole, not corrupt, not suspect. */
export function isGood(backup: Pick<BackupInfo, 'state' | 'suspect' | 'corrupt'>): boolean {
  return backup.state === 'success' && backup.suspect === null && backup.corrupt === null
}

/** One entry of a backup's file list. `path` is relative to the volume, text form of lib/byte-paths.ts. */
export const fileInfoSchema = z.object({
  path: z.string(),
  type: z.enum(['file', 'directory', 'symlink', 'hardlink', 'fifo', 'chardev', 'blockdev']),
  size: z.number(),
  mode: z.number().int(),
  uid: z.number().int(),
  gid: z.number().int(),
  /** ISO 8601. */
  modified: z.string(),
  linkTarget: z.string().nullable(),
  sha256: z.string().nullable(),
})
export type FileInfo = z.infer<typeof fileInfoSchema>
