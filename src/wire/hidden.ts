import { z } from 'zod'
import { backupInfoSchema } from './backup.ts'
import { bigCount, count, moment, name, words } from './fields.ts'
import { tolerantPage } from './tolerant.ts'

// A backup that was deleted, and can be restored until its time has passed: it is hidden, and its data stays.

const MAX_BY = 300
/** A year: long enough for every use, and a time that every clock can print. */
export const MAX_UNDO_MS = 366 * 86_400_000

/** Who deleted it, in the words of the audit, when, and until when that can be undone. */
export const hiddenMarkSchema = z.object({ at: moment, until: moment, by: words })
export type HiddenMark = z.infer<typeof hiddenMarkSchema>

/** What a daemon is sent to hide backups. */
export const hideFields = {
  by: name.transform((by) => by.slice(0, MAX_BY)),
  /** How long the delete can be undone; the daemon's trusted clock counts. */
  windowMs: z.coerce.number().int().min(1).max(MAX_UNDO_MS),
}
export interface HideRequest {
  by: string
  windowMs: number
}

/**
 * `mark` is null if it cannot be read: then the backup stays hidden until somebody restores or deletes it. `snapshot` is the id of
 * a snapshot, if that was deleted: `backup` is its increment with no other snapshot.
 */
export const hiddenBackupSchema = z.object({
  backup: backupInfoSchema,
  mark: hiddenMarkSchema.nullable(),
  snapshot: name.optional(),
})
export type HiddenBackup = z.infer<typeof hiddenBackupSchema>

/** How many a controller lists on one page: each takes many fields. */
export const MAX_DELETED_PAGE = 100

/** By name. A page may be empty although more follow. */
export const hiddenPageSchema = tolerantPage('hidden', hiddenBackupSchema, { next: name.nullable() })
export type HiddenPage = z.infer<typeof hiddenPageSchema>

/** What is hidden: full backups with the bytes that they take, and snapshots, whose room only a prune knows. */
export const deletedRoomSchema = z.object({ backups: count, bytes: bigCount, snapshots: count })
export type DeletedRoom = z.infer<typeof deletedRoomSchema>

/** How much hidden backups take, and when the first of them is due, unix ms. */
export const hiddenSumSchema = z.object({ count: bigCount, bytes: bigCount, until: z.number().nonnegative() })
export type HiddenSum = z.infer<typeof hiddenSumSchema>
