import { z } from 'zod'
import { bigCount, count } from './fields.ts'

/** The action of the job that drills the newest good backups of a server, each in a run of `backup_drill`. */
export const DRILL_DUE_ACTION = 'backup_drill_due'

/** How the inventory wants the backups of a volume to be drilled; without it they are not. */
export interface DrillSettings {
  /** When the daemon of the volume's server drills. */
  spec: string
}

/** The args of `backup_drill_due`. */
export const drillDueArgsSchema = z.object({
  /** Absolute paths of volumes. */
  sources: z.array(z.string()),
})
export type DrillDueArgs = z.infer<typeof drillDueArgsSchema>

/** What `backup_drill_due` finds. */
export const drillPlanSchema = z.object({
  /** In the order in which they are to be drilled. */
  next: z.array(
    z.object({
      app: z.string(),
      proc: z.string(),
      backup: z.string(),
      namespace: z.string(),
      mode: z.string(),
      /** The absolute path of its volume. */
      source: z.string(),
      /** Of its content; null if that is not known. */
      bytes: bigCount.nullable(),
    }),
  ),
  /** Backups that have more than a drill restores, and are left out. */
  tooLarge: count,
})
export type DrillPlan = z.infer<typeof drillPlanSchema>
