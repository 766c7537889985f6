import type { RestorePlan } from '../../volume/plan/plan-tally.ts'
import type { RecoverPlan } from '../../wire/snapshot.ts'
import type { PlanQuestion } from '../stored-backup.ts'

/** The most paths that a plan lists. */
export const MAX_LISTED = 1000

/** What is planned, and how many paths a recover would leave out, with warnings about the first of them. */
export function toRecoverPlan(
  { create, overwrite, delete: gone, refuse, same }: RestorePlan,
  { warn }: Pick<PlanQuestion, 'warn'>,
): { plan: RecoverPlan; refused: number } {
  for (const name of refuse.paths) warn(`${name}: would be skipped: the existing entry has another type`)
  const kinds = [['create', create] as const, ['overwrite', overwrite] as const, ['delete', gone] as const]
  const steps = kinds.flatMap(([action, { paths }]) => paths.map((path) => ({ action, path })))
  const plan = {
    create: create.count,
    overwrite: overwrite.count,
    delete: gone.count,
    unchanged: same,
    bytes: create.bytes + overwrite.bytes,
    steps: steps.slice(0, MAX_LISTED),
    more: create.count + overwrite.count + gone.count > Math.min(steps.length, MAX_LISTED),
  }
  return { plan, refused: refuse.count }
}
