import type { Log } from '../lib/log.ts'
import { resolveMachineZone } from '../lib/schedule/machine-zone.ts'
import { setLocalZone } from '../lib/schedule/zone.ts'
import { environmentZone } from './environment.ts'

/** Takes the machine's time zone for schedules that name none. @returns what is wrong with it, if anything. */
export function takeTimeZone(log: Log): string | null {
  const tz = environmentZone()
  const { zone, problem } = resolveMachineZone({ tz })
  setLocalZone(zone)
  if (problem !== null) log.error({ tz }, problem)
  else log.info({ zone }, `Schedules that name no time zone run in ${zone}`)
  return problem
}
