import { BackupdError } from '../lib/errors.ts'
import { type Answer, isRefused, type Refused } from './answer.ts'
import { countDeletes, measureLoss, type PlannedSelection, refuseUnplanned } from './delete-loss.ts'
import { refuseStaleDelete } from './delete-plan.ts'
import type { GoodDelete } from './delete-ports.ts'
import type { DeleteTarget } from './delete-targets.ts'
import type { UserWorld } from './user-world.ts'
import type { World } from './world.ts'

/** With these errors a daemon refuses all of a delete, before it begins. */
const NOTHING_DONE: ReadonlySet<string> = new Set([
  ...['BAD_INPUT', 'CONFLICT', 'FORBIDDEN', 'NOT_FOUND', 'REPOSITORY_LOCKED'],
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
  if (planHash !== undefined) return refuseStaleDelete(world, planHash, selection)
  return needsNoPlan ? undefined : refuseUnplanned(await measureLoss(world, selection), query)
}

/**
 * Counts the deletes, and then does them, server by server: two at once cannot take together what needs a plan.
 * @param work deletes on one server, and returns what it deleted
 */
export async function deleteNoted(
  world: UserWorld,
  { planHash, query, needsNoPlan = false, ...selection }: PlannedSelection & Quoted,
  work: (ip: string, targets: DeleteTarget[]) => Promise<string[]>,
): Promise<Answer<string[]>> {
  const isFree = planHash !== undefined || needsNoPlan
  const added = await countDeletes(world, selection, async () =>
    isFree ? undefined : refuseUnplanned(await measureLoss(world, selection), query),
  )
  if (isRefused(added)) return added
  const deleted: string[][] = []
  for (const [ip, targets] of Map.groupBy(selection.targets, ({ backup }) => backup.server)) {
    try {
      deleted.push(await work(ip, targets))
    } catch (error) {
      // What an earlier call counted may be deleted, and so is what other servers were asked for.
      if (didNothing(error)) await forgetRefused(world, ip, added)
      throw error
    }
  }
  return deleted.flat()
}

/** A daemon without the route did nothing; any other DAEMON_REFUSED may be an answer that nobody can read. */
function didNothing(error: unknown): boolean {
  if (!(error instanceof BackupdError)) return false
  return NOTHING_DONE.has(error.code) || (error.code === 'DAEMON_REFUSED' && error.facts.status === 404)
}

/** Its failure does not hide what the daemon said: the deletes count, although they were refused. */
async function forgetRefused(world: World, server: string, deletes: readonly GoodDelete[]): Promise<void> {
  try {
    await world.ports.deletes.forget(deletes.filter((one) => one.server === server))
  } catch (error) {
    world.log.warn({ server, err: error }, 'A delete that the daemon refused still counts')
  }
}
