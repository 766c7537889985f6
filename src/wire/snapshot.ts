import { z } from 'zod'
import { changedWhileReadSchema, clockDoubtSchema, fileInfoSchema } from './backup.ts'
import { bigCount, count, moment, name, pathText, rid, words } from './fields.ts'
import { tolerantPage } from './tolerant.ts'

/** One point in time of an increment. */
export const snapshotInfoSchema = z.object({
  /** Restic's own id, 64 hex digits. */
  id: name,
  /** ISO 8601. */
  created: moment,
  /** Per volume, counts up by one with each snapshot; 0 for one that restic made. */
  sequence: bigCount,
  state: z.enum(['success', 'partial']),
  suspect: words.nullable(),
  /** What of it was found damaged, and when; null where nothing was. */
  corrupt: words.nullable(),
  /** Whole, not corrupt, not suspect. */
  good: z.boolean(),
  /** Made of a mirror of the recorded system; never expires. */
  mirror: z.boolean(),
  clockDoubt: clockDoubtSchema.optional(),
  changedWhileRead: changedWhileReadSchema.optional(),
  /** Bytes of file content in it; null where restic made it. */
  size: bigCount.nullable(),
  files: count.nullable(),
  /** Bytes that it added to the store. */
  added: bigCount.nullable(),
  rid: rid.nullable(),
  jobId: name.nullable(),
})
export type SnapshotInfo = z.infer<typeof snapshotInfoSchema>

/** `GET /api/v1/backup/snapshots/NAME?namespace=IP&after=ID&limit=N`: newest first. */
export const snapshotPageSchema = tolerantPage('snapshots', snapshotInfoSchema, { next: name.nullable() })
export type SnapshotPage = z.infer<typeof snapshotPageSchema>

export const CHANGES = ['added', 'removed', 'content', 'metadata', 'type'] as const

/** What became of one path from one snapshot to another. */
export const fileDiffSchema = z.object({
  path: pathText,
  change: z.enum(CHANGES),
  before: fileInfoSchema.nullable(),
  after: fileInfoSchema.nullable(),
})
export type FileDiff = z.infer<typeof fileDiffSchema>

/** `GET /api/v1/backup/diff/NAME?namespace=IP&from=ID&to=ID&after=PATH&limit=N`: by path. */
export const diffPageSchema = tolerantPage('changes', fileDiffSchema, { next: z.string().nullable() })
export type DiffPage = z.infer<typeof diffPageSchema>

/** A path as it was from this snapshot on, until the next one that is listed. */
export const fileVersionSchema = z.object({
  snapshot: name,
  created: moment,
  change: z.enum(CHANGES),
  /** null where it was removed. */
  file: fileInfoSchema.nullable(),
})
export type FileVersion = z.infer<typeof fileVersionSchema>

/** `GET /api/v1/backup/history/NAME?namespace=IP&path=P&after=ID`: newest first; only snapshots in which something changed. */
export const fileHistorySchema = tolerantPage('versions', fileVersionSchema, { next: name.nullable() })
export type FileHistory = z.infer<typeof fileHistorySchema>

/** What a recover would do; nothing of it is done. */
export const recoverPlanSchema = z.object({
  /** How many paths there are of each. */
  create: count,
  overwrite: count,
  delete: count,
  /** As far as can be told without reading content: a file of the same size and mtime is taken for the same. */
  unchanged: count,
  /** Bytes of file content that would be written. */
  bytes: bigCount,
  /** The first thousand. */
  steps: z.array(z.object({ action: z.enum(['create', 'overwrite', 'delete']), path: pathText })),
  /** There are more than are listed. */
  more: z.boolean(),
  /** Told if it was asked to copy in place: whether renames are refused, so that it would be. */
  inPlace: z.boolean().optional(),
})
export type RecoverPlan = z.infer<typeof recoverPlanSchema>
