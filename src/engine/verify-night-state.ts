import { z } from 'zod'
import { bigCount, count, name } from '../wire/fields.ts'
import { verifyDemandSchema } from '../wire/verify-schedule.ts'

/** How far the verification of one night came; it outlives a restart of the daemon. */
export const verifyNightSchema = z.object({
  jobId: name,
  /** When the night began, unix ms by the trusted clock. */
  since: z.number(),
  /** What was read of the store. */
  bytes: bigCount,
  /** How many backups were verified. */
  backups: count,
  /** Names of the backups that are not tried again in this night. */
  tried: z.array(z.string()),
  /** Nothing is left to do, or the budget is used up. */
  isOver: z.boolean(),
  /** What all of it takes, as it was last computed. */
  demand: verifyDemandSchema.nullable(),
})
export type VerifyNightState = z.infer<typeof verifyNightSchema>

/** A planned time that comes earlier than this after the beginning of a night belongs to it. */
const MIN_NIGHT_MS = 20 * 3_600_000

/** Whether that night is still the present one. A clock that was set back does not begin another. */
export function isSameNight({ since }: VerifyNightState, now: number): boolean {
  return Math.abs(now - since) < MIN_NIGHT_MS
}
