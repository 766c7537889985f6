import { listTree } from '../../../volume/plan/list-tree.ts'
import { type ComparedEntry, planEntries } from '../../../volume/plan/plan-entries.ts'
import type { RecoverPlan } from '../../../wire/snapshot.ts'
import type { PlanQuestion } from '../../stored-backup.ts'
import { MAX_LISTED, toRecoverPlan } from '../recover-plan.ts'

/** @param mirror a trusted path */
export async function planMirror(
  mirror: string,
  { warn, ...question }: PlanQuestion,
): Promise<{ plan: RecoverPlan; refused: number }> {
  const entries = (): AsyncIterable<ComparedEntry> => listTree(mirror)
  return toRecoverPlan(await planEntries({ ...question, entries, names: MAX_LISTED }), { warn })
}
