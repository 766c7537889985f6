import type { PlannedVolume } from './plan.ts'
import { DrillJob } from './planned-job.ts'

/** The job that drills the backups of these volumes of a server; undefined if none is to be drilled. */
export function planDrillJob(server: string, volumes: readonly PlannedVolume[]): DrillJob | undefined {
  const drilled = volumes.flatMap(({ path, drill }) => (drill ? [{ path, drill }] : []))
  const [first] = drilled
  return first && new DrillJob(server, first.drill.spec, { sources: drilled.map(({ path }) => path) })
}
