import { z } from 'zod'
import { bigCount, count, wordList } from './fields.ts'

/** The action that restores a backup into a scratch folder, compares it, and removes it again. */
export const DRILL_ACTION = 'backup_drill'

/** The most bytes that a drill restores. */
export const MAX_DRILL_BYTES = 50 * 1024 ** 3

/** The action that says what is wrong with the directory for drills. */
export const DRILL_CHECK_ACTION = 'drill_check'

/** What it answers. */
export const drillCheckSchema = z.object({ problem: z.string().nullable() })

/** The args of `backup_drill`. */
export const drillArgsSchema = z.object({
  app: z.string(),
  proc: z.string(),
  /** The backup's name in the store. */
  backup: z.string(),
  /** The namespace of the backup: the IP of its server. */
  namespace: z.string(),
  /** Of an increment: the id of the snapshot, or its beginning; empty for the newest good one. */
  snapshot: z.string().default(''),
  /** The volumes of the daemon's jobs; the daemon fills them in. */
  jobPaths: z.array(z.string()).default([]),
})
export type DrillArgs = z.infer<typeof drillArgsSchema>

/** The request to drill a backup. */
export type DrillRequest = Omit<DrillArgs, 'jobPaths'> & { rid: string }

export const MAX_LISTED_DIFFERENCES = 100

/** What a drill compared, if the backup itself is not damaged. */
export const drillResultSchema = z.object({
  /** Entries whose type, mode and owner were compared. */
  entries: count,
  /** Files whose content was compared. */
  files: count,
  /** Bytes of their content. */
  bytes: bigCount,
  /** Entries that differ from what the backup says. */
  different: count,
  /** The first of them, each with what differs. */
  differences: wordList.transform((list) => list.slice(0, MAX_LISTED_DIFFERENCES)),
})
export type DrillResult = z.infer<typeof drillResultSchema>
