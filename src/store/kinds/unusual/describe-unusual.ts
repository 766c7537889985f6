import { DAY_MS } from '../../../lib/time-units.ts'
import { printUnusualHold } from '../../../wire/hold.ts'

/** The runs of a day are compared by it: days since 1970, UTC. */
export function findDayNumber(ms: number): number {
  return Math.floor(ms / DAY_MS)
}

/** The text under which the last good point before an unusual run is kept. */
export function makeHold(reasons: readonly string[], run: { rid: string; at: string }): string {
  return printUnusualHold({ ...run, because: reasons.join(', and ') })
}

/** The warning in the record of an unusual run. @param kept what is kept because of it; null if there is nothing */
export function warnOfUnusual(reasons: readonly string[], kept: string | null): string {
  const what = `this backup is unusual: ${reasons.join(', and ')}`
  if (kept === null) return `${what}. There is no good backup from before it that could be kept`
  return `${what}. ${kept} from before it is kept until somebody acknowledges that (acknowledgeUnusual)`
}
