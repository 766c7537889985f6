import { z } from 'zod'
import { changedWhileReadSchema, clockDoubtSchema, fileInfoSchema } from './backup.ts'
import { bigCount, count, moment, name, pathText, rid, wordList, words } from './fields.ts'
import { planHashSchema } from './plan-hash.ts'
import { plannedStepSchema } from './planned-step.ts'
import { tolerantPage } from './tolerant.ts'
import { verificationSchema } from './verification.ts'

/** A snapshot: one point in time of an increment. */
export const snapshotInfoSchema = z.object({
  /** Restic's own id, 64 hex digits. */
  id: name,
  /** ISO 8601. */
  created: moment,
  /** Increases by one with each snapshot of a volume; 0 for one that restic made. */
  sequence: bigCount,
  state: z.enum(['success', 'partial']),
  suspect: words.nullable(),
  /** What was found damaged in it, and when; null if nothing. */
  corrupt: words.nullable(),
  /** Absent if it was never verified, or not since it was found damaged. */
  proof: verificationSchema.optional(),
  /** Its last drill; absent if there was none, or if it was found damaged. */
  drill: verificationSchema.optional().catch(undefined),
  /** Complete, not corrupt, not suspect. */
  good: z.boolean(),
  /** Reasons to keep it whatever its age; absent if there is none. */
  holds: wordList.optional(),
  /** Made from a legacy mirror; never expires. */
  mirror: z.boolean(),
  clockDoubt: clockDoubtSchema.optional(),
  changedWhileRead: changedWhileReadSchema.optional(),
  /** Bytes of file content in it; null if restic made it. */
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

/** The change of one path between two snapshots. */
export const fileDiffSchema = z.object({
  path: pathText,
  change: z.enum(CHANGES),
  before: fileInfoSchema.nullable(),
  after: fileInfoSchema.nullable(),
})
export type FileDiff = z.infer<typeof fileDiffSchema>

/** `GET /api/v1/backup/diff/NAME?namespace=IP&from=ID&to=ID&after=PATH&limit=N`: sorted by path. */
export const diffPageSchema = tolerantPage('changes', fileDiffSchema, {
  next: z.string().nullable(),
  /** The ids of the two snapshots. Earlier versions did not say them. */
  from: name.optional(),
  to: name.optional(),
})
export type DiffPage = z.infer<typeof diffPageSchema>

/** A version of a path, valid from this snapshot until the next listed one. */
export const fileVersionSchema = z.object({
  snapshot: name,
  created: moment,
  change: z.enum(CHANGES),
  /** null if it was removed. */
  file: fileInfoSchema.nullable(),
})
export type FileVersion = z.infer<typeof fileVersionSchema>

/** `GET /api/v1/backup/history/NAME?namespace=IP&path=P&after=ID`: newest first; only snapshots in which something changed. */
export const fileHistorySchema = tolerantPage('versions', fileVersionSchema, { next: name.nullable() })
export type FileHistory = z.infer<typeof fileHistorySchema>

/** Bytes and files; a number that is not known is null. */
const roomSchema = z.object({ bytes: bigCount.nullable(), files: bigCount.nullable() })
export type PlannedRoom = z.infer<typeof roomSchema>

/** A process that holds something in a volume, and the first thing that it was found to hold. */
const volumeUserSchema = z.object({ pid: count, command: words, what: words })
export const MAX_LISTED_USERS = 20

/** What a recover would do, without doing it. */
export const recoverPlanSchema = z.object({
  /** Numbers of paths. */
  create: count,
  overwrite: count,
  /** How many of those to overwrite differ only in metadata. Absent from daemons that do not tell. */
  onlyMetadata: count.optional(),
  delete: count,
  /** Files with the same size and mtime count as unchanged; their content is not read. */
  unchanged: count,
  /** Bytes of file content that would be written. */
  bytes: bigCount,
  /** Bytes of file content that would be deleted without being replaced. */
  bytesDeleted: bigCount.optional(),
  /** The first thousand. */
  steps: z.array(plannedStepSchema),
  /** Whether there are more steps than listed. */
  more: z.boolean(),
  /** Present if a copy in place was allowed: whether renames are refused, so that it would be one. */
  inPlace: z.boolean().optional(),
  /** What the recover needs on the file system of the volume besides the present content, and what is free there. */
  room: z.object({ needed: roomSchema, free: roomSchema }).optional(),
  /** The first processes that hold something in the volume. */
  users: z.object({ count, first: z.array(volumeUserSchema).max(MAX_LISTED_USERS) }).optional(),
  /** Absent from daemons that do not compare it. */
  planHash: planHashSchema.optional().catch(undefined),
})
export type RecoverPlan = z.infer<typeof recoverPlanSchema>
