import { isoTime } from '../../../lib/clock.ts'
import type { MadeInDoubt } from '../../../wire/backup.ts'
import type { RunContext } from '../../plugin.ts'
import { readRunTime } from '../../run-time.ts'
import type { Warnings } from './warnings.ts'

/** The mark of a backup made while the clock is in doubt, and a warning; undefined while the clock is trusted. */
export function readClockDoubt(context: RunContext, warnings: Warnings): MadeInDoubt | undefined {
  const { doubt } = readRunTime(context)
  if (!doubt) return undefined
  const trusted = isoTime(doubt.trustedMs)
  warnings.add(
    `the clock of this machine is in doubt (expected ${trusted}): the time of this backup may be wrong`,
  )
  return { trusted }
}
