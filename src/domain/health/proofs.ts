import { DAY_MS } from '../../lib/time-units.ts'
import { DEFAULT_WITHIN_DAYS } from '../../wire/verify-schedule.ts'
import type { JobEntry } from './job-entry.ts'

/**
 * When the proof of the backups of a job becomes too old, unix ms; null if the inventory says that they are not verified.
 * A proof from the future was dated by a wrong clock, and does not count.
 */
export function findProvenUntil({ planned, condition, proofFrom }: JobEntry, now: number): number | null {
  const { verify = {} } = planned.volume ?? {}
  if (verify === 'off' || proofFrom === null) return null
  const { provenAt } = condition
  const isBelieved = provenAt !== null && provenAt <= now + DAY_MS
  const { withinDays = DEFAULT_WITHIN_DAYS } = verify
  return Math.max(proofFrom, isBelieved ? provenAt : 0) + withinDays * DAY_MS
}

/** Whether a good backup of the job has a proof that is not too old. */
export function isJobProven(
  { isLoaded, condition, standing }: JobEntry,
  provenUntil: number | null,
): boolean {
  const isCounted = isLoaded && condition.provenAt !== null && condition.lastGoodAt !== null
  return isCounted && standing.UNPROVEN === undefined && provenUntil !== null
}
