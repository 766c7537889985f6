import { z } from 'zod'
import { DAY_MS, MINUTE_MS } from '../lib/time-units.ts'
import { bigCount, count, moment, name } from './fields.ts'
import { sentHooksSchema } from './hook-options.ts'
import { planHashSchema } from './plan-hash.ts'

/** The longest that what a recover replaced is kept. */
export const MAX_KEEP_MS = 30 * DAY_MS

/** How long what a recover replaces is kept, ms. */
export const keepOldSchema = z
  .number()
  .int()
  .min(MINUTE_MS, 'expected at least 1m')
  .max(MAX_KEEP_MS, 'expected at most 30d')

/** What a recover replaced and kept, as a daemon reports it. */
export const keptOldSchema = z.object({
  /** The path of the volume, as it was named. */
  volume: z.string().max(4096),
  /** The recover that replaced it. */
  rid: name,
  made: moment,
  until: moment,
  /** Disk usage. */
  bytes: bigCount,
  files: count,
})
export type KeptOld = z.infer<typeof keptOldSchema>

/** How many copies a daemon reports. */
export const MAX_KEPT_LISTED = 1000

export const EXPIRE_KEPT_ACTION = 'kept_expire'
export const DROP_KEPT_ACTION = 'kept_drop'
export const FIND_KEPT_ACTION = 'kept_find'
export const LIST_KEPT_ACTION = 'kept_list'
export const UNDO_ACTION = 'backup_recover_undo'
/** Plans have a separate action, so that their records are not mistaken for those of undos. */
export const UNDO_PLAN_ACTION = 'backup_recover_undo_plan'

/** How long an undo keeps what it replaces, unless it is said. */
export const DEFAULT_KEEP_MS = DAY_MS

export const undoArgsSchema = z.object({
  app: z.string(),
  proc: z.string(),
  destDir: z.string(),
  /** The recover that is undone. */
  kept: z.string(),
  inUse: z.enum(['refuse', 'proceed']).optional(),
  keepOldMs: keepOldSchema.default(DEFAULT_KEEP_MS),
  plan: z.boolean().optional(),
  planHash: planHashSchema.optional(),
  hooks: sentHooksSchema.optional(),
})
export type UndoArgs = z.infer<typeof undoArgsSchema>

/** The request of the routes `kept/actions/undo` and `kept/actions/drop`. */
export interface KeptRequest
  extends Partial<Pick<UndoArgs, 'inUse' | 'plan' | 'planHash' | 'hooks' | 'keepOldMs'>> {
  rid: string
  app: string
  proc: string
  destDir: string
  kept: string
}
