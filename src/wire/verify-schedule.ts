import { z } from 'zod'
import { bigCount, count } from './fields.ts'
import { ipv4Hex } from './ids.ts'

/** The action of the job that verifies the backups of a server whose proof is due, each in a run of `backup_verify`. */
export const VERIFY_DUE_ACTION = 'backup_verify_due'

/** How the inventory wants the backups of a volume to be verified; what is left out has the default. */
export interface VerifySettings {
  /** When the daemon of the volume's server verifies. */
  spec?: string
  /** Some good backup of the volume shall have a proof that is not older. */
  withinDays?: number
  /** How much the daemon may read in a night. */
  budgetBytes?: number
}

/** `off`: the schedule verifies no backup of the volume. */
export type VolumeVerify = VerifySettings | 'off'

export const DEFAULT_WITHIN_DAYS = 30
/** Not for S3, where reading costs money: there, nothing is read until the inventory names a budget. */
export const DEFAULT_BUDGET_BYTES = 50 * 1024 ** 3

/** The budget in force; null if this store is not verified on a schedule. */
export function resolveBudget(budgetBytes: number | null, driver: string): number | null {
  return budgetBytes ?? (driver === 's3' ? null : DEFAULT_BUDGET_BYTES)
}

/** The hours from 1 to 5 in the night, over which the servers are spread: they may share one store. */
const [FIRST_HOUR, MINUTES] = [1, 240]

/** Once every night, at a minute that follows from the server's address. */
export function defaultVerifySpec(server: string): string {
  const minute = (Number.parseInt(ipv4Hex(server), 16) * 7) % MINUTES
  return `${minute % 60} ${FIRST_HOUR + Math.floor(minute / 60)} * * *`
}

/** The args of `backup_verify_due`. */
export const verifyDueArgsSchema = z.object({
  /** null: the default. */
  budgetBytes: z.number().int().positive().max(Number.MAX_SAFE_INTEGER).nullable(),
  rules: z.array(
    z.object({
      withinDays: z.number().int().min(1).max(9999),
      /** Absolute paths of volumes. */
      sources: z.array(z.string()),
    }),
  ),
})
export type VerifyDueArgs = z.infer<typeof verifyDueArgsSchema>

/** What a daemon would have to read to keep all backups proven. */
export const verifyDemandSchema = z.object({
  /** The size of all backups that can be proven. */
  bytes: bigCount,
  /** What that takes in each night, with the `within` of each volume. */
  nightlyBytes: bigCount,
  /** The shortest and the longest `within`. */
  shortestDays: count,
  longestDays: count,
  /** null: the store is not verified on a schedule. */
  budgetBytes: bigCount.nullable(),
  /** Archives that alone are larger than the budget, and so are never read on a schedule. */
  tooLarge: count,
})
export type VerifyDemand = z.infer<typeof verifyDemandSchema>

/** A backup that is to be verified. */
export const dueBackupSchema = z.object({
  app: z.string(),
  proc: z.string(),
  backup: z.string(),
  namespace: z.string(),
  /** What reading it takes; null if it can be read in parts, over several nights. */
  bytes: bigCount.nullable(),
})
export type DueBackup = z.infer<typeof dueBackupSchema>

/** What `backup_verify_due` finds. */
export const verifyPlanSchema = z.object({
  /** In the order in which they are to be verified. */
  next: z.array(dueBackupSchema),
  /** There are more than these. */
  hasMore: z.boolean(),
  demand: verifyDemandSchema,
})
export type VerifyPlan = z.infer<typeof verifyPlanSchema>
