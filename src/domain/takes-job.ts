import { DRILL_DUE_ACTION } from '../wire/drill-schedule.ts'
import { VERIFY_DUE_ACTION } from '../wire/verify-schedule.ts'
import type { PlannedJob } from './plan.ts'
import { drillsOnSchedule, type ServerState, verifiesOnSchedule } from './server-state.ts'

/** Whether the daemon gets this job: an older one would drop some, and one without --drill-dir drills nothing. */
export function takesJob(server: ServerState, { action }: Pick<PlannedJob, 'action'>): boolean {
  if (action === DRILL_DUE_ACTION) return verifiesOnSchedule(server) && drillsOnSchedule(server)
  return action !== VERIFY_DUE_ACTION || verifiesOnSchedule(server)
}
