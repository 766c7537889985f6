import { DRILL_DUE_ACTION } from '../wire/drill-schedule.ts'
import type { PlannedVolume } from './plan.ts'
import { ProofJob } from './planned-job.ts'

/** The job that drills the backups of these volumes of a server; undefined if none is to be drilled. */
export function planDrillJob(server: string, volumes: readonly PlannedVolume[]): ProofJob | undefined {
  const drilled = volumes.flatMap(({ path, drill }) => (drill ? [{ path, drill }] : []))
  const [first] = drilled
  if (!first) return undefined
  const args = { sources: drilled.map(({ path }) => path) }
  return new ProofJob(server, first.drill.spec, { action: DRILL_DUE_ACTION, args })
}
