import { z } from 'zod'

/** The action that reads one file of a backup. */
export const READ_ACTION = 'backup_read'

/** How long it may take until a file is found, ms: an archive without an index is read to its end for that. */
export const CONTENT_PATIENCE_MS = 120_000

/** A longer `Range` names many ranges, and counts as none. */
export const MAX_RANGE_TEXT = 1000

/** The args of `backup_read`, and the fields of `GET /api/v1/backup/content/NAME`. */
export const readArgsSchema = z.object({
  /** The IP of the server of the backup. */
  namespace: z.string(),
  /** The backup's name in the store. */
  name: z.string(),
  path: z.string(),
  /** Of an increment; the newest if it is empty. */
  snapshot: z.string().default(''),
  /** As in the header `Range`; empty: the whole file. */
  range: z.string().max(MAX_RANGE_TEXT).default(''),
})
export type ReadArgs = z.infer<typeof readArgsSchema>

/** What is known of a file before its content comes. */
export interface FileHead {
  /** Bytes of the whole file. */
  size: number
  /** The bytes that come, from `from` up to, but without, `end`; null if the file has none of those that were asked for. */
  span: { from: number; end: number } | null
  /** Whether a part of it was asked for. */
  isPart: boolean
}
