import type { Log } from '../lib/log.ts'
import { resolveMachineZone } from '../lib/schedule/machine-zone.ts'
import { setLocalZone } from '../lib/schedule/zone.ts'
import { environmentZone } from './environment.ts'

/** Sets the machine's time zone for schedules that name none. @returns why it cannot be used, or null */
export function setTimeZone(log: Log): string | null {
  const tz = environmentZone()
  const { zone, problem } = resolveMachineZone({ tz })
  setLocalZone(zone)
  if (problem !== null) log.error({ tz }, problem)
  else log.info({ zone }, `Schedules that name no time zone run in ${zone}`)
  return problem
}
