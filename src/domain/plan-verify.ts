import {
  DEFAULT_WITHIN_DAYS,
  defaultVerifySpec,
  VERIFY_DUE_ACTION,
  type VerifySettings,
} from '../wire/verify-schedule.ts'
import type { PlannedVolume } from './plan.ts'
import { ProofJob } from './planned-job.ts'

/**
 * The job that verifies the backups of these volumes of a server. A daemon has one schedule and one budget: those of the
 * first volume that names them. undefined if all volumes are left out of the verification.
 */
export function planVerifyJob(server: string, volumes: readonly PlannedVolume[]): ProofJob | undefined {
  const verified = volumes.flatMap(({ path, verify = {} }) => (verify === 'off' ? [] : [{ path, verify }]))
  if (verified.length === 0) return undefined
  const spec = findFirst(verified, 'spec') ?? defaultVerifySpec(server)
  const budgetBytes = findFirst(verified, 'budgetBytes') ?? null
  const byWithin = Map.groupBy(verified, ({ verify }) => verify.withinDays ?? DEFAULT_WITHIN_DAYS)
  const rules = [...byWithin].map(([withinDays, of]) => ({ withinDays, sources: of.map(({ path }) => path) }))
  const args = { budgetBytes, rules }
  return new ProofJob(server, spec, { action: VERIFY_DUE_ACTION, args })
}

function findFirst<Key extends keyof VerifySettings>(
  verified: readonly { verify: VerifySettings }[],
  key: Key,
): VerifySettings[Key] {
  return verified.find(({ verify }) => verify[key] !== undefined)?.verify[key]
}
