import { BackupdError } from '../lib/errors.ts'
import type { Answer, Refused } from './answer.ts'
import { countDeletes, measureLoss, type PlannedSelection, refuseUnplanned } from './delete-loss.ts'
import { refuseStaleDelete } from './delete-plan.ts'
import { listGoodDeletes } from './delete-targets.ts'
import type { UserWorld } from './user-world.ts'

/** With these errors a daemon refuses all of a delete, before it begins. */
const NOTHING_DONE: ReadonlySet<string> = new Set([
  ...['BAD_INPUT', 'CONFLICT', 'DAEMON_REFUSED', 'FORBIDDEN', 'NOT_FOUND', 'REPOSITORY_LOCKED'],
])

export interface Quoted {
  planHash: string | undefined
  /** The query that makes the plan. */
  query: 'deleteBackupsPlan' | 'deleteSnapshotsPlan'
  /** Legacy URLs cannot quote a plan; what they delete only counts. */
  needsNoPlan?: boolean
}

/** Refuses a delete that is not what its plan says, or that needs a plan and has none. */
export async function refuseByPlan(
  world: UserWorld,
  selection: PlannedSelection,
  { planHash, query, needsNoPlan = false }: Quoted,
): Promise<Refused | undefined> {
  if (planHash !== undefined) return refuseStaleDelete(world, planHash, selection.targets)
  return needsNoPlan ? undefined : refuseUnplanned(await measureLoss(world, selection), query)
}

/** Counts the deletes, and then does them: two at once cannot take together what needs a plan. */
export async function deleteNoted<T>(
  world: UserWorld,
  { planHash, query, needsNoPlan = false, ...selection }: PlannedSelection & Quoted,
  work: () => Promise<T>,
): Promise<Answer<T>> {
  const isFree = planHash !== undefined || needsNoPlan
  const refused = await countDeletes(world, selection, async () =>
    isFree ? undefined : refuseUnplanned(await measureLoss(world, selection), query),
  )
  if (refused) return refused
  try {
    return await work()
  } catch (error) {
    if (error instanceof BackupdError && NOTHING_DONE.has(error.code))
      await world.ports.deletes.forget(listGoodDeletes(world, selection.targets))
    throw error
  }
}
