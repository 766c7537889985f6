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
import { manifestSignatureSchema } from './manifest-signature.ts'
import { verificationSchema } from './verification.ts'

/** If lainlet names no mode, the legacy system writes an empty one and makes a full backup. */
export const legacyModeSchema = z
  .enum(['full', 'increment', ''])
  .nullish()
  .transform((mode) => mode || 'full')

/** A backup as the legacy system lists it (`GET /api/v1/backup/json` of a daemon, and `.meta`). */
export const backupEntitySchema = z.object({
  mode: legacyModeSchema,
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
  /** The first hundred: paths in the volume, text form of lib/byte-paths.ts. */
  names: wordList,
})
export type ChangedWhileRead = z.infer<typeof changedWhileReadSchema>

/** Text for this program alone; it reads what is left of one that is too long. */
const shortText = z.string().transform((text) => text.slice(0, 8192))

/**
 * `<name>.manifest.json` beside a full backup. It has everything that must survive the loss of the catalog.
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
  /** Increases by one with each backup of a volume: the order of backups, independent of the clock. */
  sequence: bigCount,
  rid,
  jobId: name,
  state: z.enum(['success', 'partial']),
  /** Why this backup is suspect (the volume is empty or unmounted, unlike before); null if it is not. */
  suspect: words.nullable(),
  /** The archive in the store. */
  size: bigCount,
  sha256: name,
  /** The index beside it (`<name>.index.gz`); null if there is none. */
  index: z.object({ size: bigCount, sha256: name }).nullable(),
  /** The content: all entries, regular files, bytes of file content, bytes of the tar stream. */
  entries: bigCount,
  files: count,
  bytes: bigCount,
  tarBytes: bigCount,
  /** The root of the volume when it was read, to see at the next backup whether the mount has changed. */
  root: z.object({ device: name, mountPoint: z.boolean() }),
  warnings: wordList,
  warningCount: bigCount,
  /** What could not be kept on this machine, such as `extended attributes`; normally empty. */
  notKept: wordList,
  durability: z.enum(['synced', 'acknowledged']),
  /** `proof.at`; null if there is no proof. */
  verified: moment.nullable(),
  proof: verificationSchema.optional(),
  /** When it was last drilled with success: `proof` may be a later verification. */
  drilled: moment.optional(),
  corrupt: z.object({ at: moment, reason: words }).nullable(),
  /** Reasons to keep the backup whatever its age. */
  holds: wordList,
  clockDoubt: clockDoubtSchema.optional(),
  /** Absent if a version that did not check this wrote it. */
  changedWhileRead: changedWhileReadSchema.optional(),
  /** The runs before it, and a sample of its files, with which the next run is compared: store/kinds/unusual. */
  history: shortText.optional(),
  sample: shortText.optional(),
  /** The version of backupd that wrote it. */
  writer: words,
  /** Of an enrolled daemon. */
  signature: manifestSignatureSchema.optional(),
})
export type Manifest = z.infer<typeof manifestSchema>

/** Facts about a series of snapshots as a whole. */
export const seriesSchema = z.object({
  /** The number of snapshots. */
  snapshots: count,
  /** Restic's id of the newest one. */
  newest: name,
  /** When the oldest one was made; absent from daemons of older versions. */
  oldestCreated: moment.optional(),
  lastGood: z.object({ id: name, created: moment }).nullable(),
  /**
   * The last drill of its newest drilled snapshot, unless a later one is known to be corrupt. No proof of the whole series.
   * Absent if there is none, and from daemons of older versions.
   */
  drill: verificationSchema.extend({ snapshot: name }).optional().catch(undefined),
})
export type Series = z.infer<typeof seriesSchema>

/**
 * A backup as a protocol 2 daemon lists it and the catalog keeps it. The values come from the manifest; a legacy
 * archive without one has those of `.meta` and the folder, the rest null. A series has the values of its newest
 * snapshot.
 */
export const backupInfoSchema = z.object({
  /** Its namespace: the IP of its server. */
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
  /** `proof.at`; of a series, its last proof, unless a later snapshot is known to be corrupt. */
  verified: moment.nullable(),
  proof: verificationSchema.optional(),
  /** As in its manifest; absent for a series, which has `series.drill`. */
  drilled: moment.optional(),
  holds: wordList,
  sha256: name.nullable(),
  hasIndex: z.boolean(),
  files: count.nullable(),
  bytes: bigCount.nullable(),
  durability: z.enum(['synced', 'acknowledged']).nullable(),
  clockDoubt: clockDoubtSchema.optional(),
  changedWhileRead: changedWhileReadSchema.optional(),
  /** null if it is not a series of snapshots: for archives and legacy mirrors. */
  series: seriesSchema.nullish().transform((series) => series ?? null),
})
export type BackupInfo = z.infer<typeof backupInfoSchema>

/** Whether it is a series of snapshots. */
export function hasSnapshots<B extends Pick<BackupInfo, 'series'>>(
  backup: B,
): backup is B & { series: Series } {
  return backup.series !== null
}

/** Whether it is an increment of the legacy system: plain copies of the files, without snapshots. */
export function isMirror(backup: Pick<BackupInfo, 'mode' | 'series'>): boolean {
  return backup.mode === 'increment' && !hasSnapshots(backup)
}

/** Whether it has a manifest that cannot be read: then nobody knows what keeps it, and it is neither expired nor deleted. */
export function hasUnreadableManifest({
  corrupt,
  rid,
  series,
}: {
  corrupt: string | null
  rid: string | null
  series: unknown
}): boolean {
  return corrupt !== null && rid === null && series === null
}

/** The facts that only a manifest or a snapshot has. */
export const WITHOUT_MANIFEST = {
  verified: null,
  sha256: null,
  hasIndex: false,
  files: null,
  bytes: null,
  durability: null,
  series: null,
} satisfies Partial<BackupInfo>

/** Complete, not corrupt, not suspect. */
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
