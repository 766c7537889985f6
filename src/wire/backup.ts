import { z } from 'zod'
import {
  bigCount,
  count,
  fileMoment,
  ipv4,
  moment,
  name,
  objectName,
  pathText,
  rid,
  wordList,
  words,
} from './fields.ts'

/** Where lainlet names no mode the recorded system writes an empty one, and makes a full backup. */
export const recordedModeSchema = z
  .enum(['full', 'increment', ''])
  .nullish()
  .transform((mode) => mode || 'full')

/** A backup as the recorded system lists it (`GET /api/v1/backup/json` of a daemon, and `.meta`). */
export const backupEntitySchema = z.object({
  mode: recordedModeSchema,
  /** Absolute path of the volume on its server. */
  source: words,
  volume: name,
  name: objectName,
  server: words,
  size: bigCount,
  created: words,
  containers: z.array(name).nullable(),
  instanceNo: count,
})
export type BackupEntity = z.infer<typeof backupEntitySchema>

/** Marks a backup whose `created` may be wrong: the clock differed too much from the trusted time (ISO 8601). */
export const clockDoubtSchema = z.object({ trusted: moment })
export type MadeInDoubt = z.infer<typeof clockDoubtSchema>

/** Files of a backup that changed since its run began. */
export const changedWhileReadSchema = z.object({
  count,
  /** Of the first hundred: paths in the volume, text form of lib/byte-paths.ts. */
  names: wordList,
})
export type ChangedWhileRead = z.infer<typeof changedWhileReadSchema>

/**
 * `<name>.manifest.json` beside a full backup. What must outlive the catalog stands here.
 * Sizes in bytes, times ISO 8601, digests hex sha256.
 */
export const manifestSchema = z.object({
  format: z.literal(1),
  name: objectName,
  mode: z.literal('full'),
  app: name,
  proc: name,
  volume: name,
  instanceNo: count,
  containers: z.array(name),
  /** Absolute path of the volume on its server. */
  source: words,
  server: ipv4,
  created: moment,
  /** Per volume, counts up by one with each backup: the order of backups, whatever the clock said. */
  sequence: bigCount,
  rid,
  jobId: name,
  state: z.enum(['success', 'partial']),
  /** Why this backup is doubtful (empty or unmounted where it was not before); null where it is not. */
  suspect: words.nullable(),
  /** The archive as it lies in the store. */
  size: bigCount,
  sha256: name,
  /** The index beside it (`<name>.index.gz`); null where there is none. */
  index: z.object({ size: bigCount, sha256: name }).nullable(),
  /** What is inside: entries by kind, bytes of file content, bytes of the tar stream. */
  entries: bigCount,
  files: count,
  bytes: bigCount,
  tarBytes: bigCount,
  /** The root when it was read: to tell next time whether this is the mount it was. */
  root: z.object({ device: name, mountPoint: z.boolean() }),
  warnings: wordList,
  warningCount: bigCount,
  /** What could not be kept on this machine, such as `extended attributes`; empty normally. */
  notKept: wordList,
  durability: z.enum(['synced', 'acknowledged']),
  verified: moment.nullable(),
  corrupt: z.object({ at: moment, reason: words }).nullable(),
  /** Reasons to keep it whatever its age. */
  holds: wordList,
  clockDoubt: clockDoubtSchema.optional(),
  /** Absent if a version that did not look wrote it. */
  changedWhileRead: changedWhileReadSchema.optional(),
  /** Version of backupd that wrote it. */
  writer: words,
})
export type Manifest = z.infer<typeof manifestSchema>

/** What a series of snapshots is, as a whole. */
export const seriesSchema = z.object({
  /** How many there are. */
  snapshots: count,
  /** Restic's id of the newest one. */
  newest: name,
  /** When the oldest one was made; daemons of earlier versions do not tell. */
  oldestCreated: moment.optional(),
  lastGood: z.object({ id: name, created: moment }).nullable(),
})
export type Series = z.infer<typeof seriesSchema>

/**
 * A backup as a protocol 2 daemon lists it and the catalog keeps it. Made of the manifest where there is one;
 * an archive without (the recorded system's) has what `.meta` and the folder tell, the rest null. A series of snapshots
 * has its newest one's.
 */
export const backupInfoSchema = z.object({
  /** The namespace (server IP) it lies in. */
  server: ipv4,
  name: objectName,
  mode: z.enum(['full', 'increment']),
  app: name,
  proc: name,
  volume: name,
  instanceNo: count,
  source: words,
  containers: z.array(name),
  size: bigCount,
  created: moment,
  sequence: bigCount,
  rid: rid.nullable(),
  jobId: name.nullable(),
  state: z.enum(['success', 'partial']),
  suspect: words.nullable(),
  corrupt: words.nullable(),
  verified: moment.nullable(),
  holds: wordList,
  sha256: name.nullable(),
  hasIndex: z.boolean(),
  files: count.nullable(),
  bytes: bigCount.nullable(),
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
  path: pathText,
  type: z.enum(['file', 'directory', 'symlink', 'hardlink', 'fifo', 'chardev', 'blockdev']),
  size: bigCount,
  mode: count,
  uid: bigCount,
  gid: bigCount,
  modified: fileMoment,
  linkTarget: pathText.nullable(),
  sha256: name.nullable(),
})
export type FileInfo = z.infer<typeof fileInfoSchema>
