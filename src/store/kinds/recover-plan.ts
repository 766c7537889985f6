import type { RestorePlan } from '../../volume/plan/plan-tally.ts'
import type { PlannedStep } from '../../wire/planned-step.ts'
import type { RecoverPlan } from '../../wire/snapshot.ts'
import type { PlanQuestion } from '../stored-backup.ts'

/** The most paths that a plan lists. */
export const MAX_LISTED = 1000

/** What is planned, and how many paths a recover would leave out, with warnings about the first of them. */
export function toRecoverPlan(
  { create, overwrite, metadata, delete: gone, refuse, same }: RestorePlan,
  { warn }: Pick<PlanQuestion, 'warn'>,
): { plan: RecoverPlan; refused: number } {
  for (const { path } of refuse.first) warn(`${path}: would be skipped: the existing entry has another type`)
  const steps: PlannedStep[] = [
    ...create.first.map((entry) => ({ action: 'create' as const, ...entry })),
    ...overwrite.first.map((entry) => ({ action: 'overwrite' as const, ...entry })),
    ...metadata.first.map((entry) => ({ action: 'overwrite' as const, ...entry, onlyMetadata: true })),
    ...gone.first.map((entry) => ({ action: 'delete' as const, ...entry })),
  ]
  const count = create.count + overwrite.count + metadata.count + gone.count
  const plan = {
    create: create.count,
    overwrite: overwrite.count + metadata.count,
    onlyMetadata: metadata.count,
    delete: gone.count,
    unchanged: same,
    bytes: create.bytes + overwrite.bytes,
    bytesDeleted: gone.bytes,
    steps: steps.slice(0, MAX_LISTED),
    more: count > Math.min(steps.length, MAX_LISTED),
  }
  return { plan, refused: refuse.count }
}
