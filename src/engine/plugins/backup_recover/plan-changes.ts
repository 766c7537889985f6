import { unseenWarning } from '../../../volume/swap/check-users.ts'
import { findUsers } from '../../../volume/swap/find-users.ts'
import type { ChosenFiles } from '../../../volume/tree/chosen-paths.ts'
import { MAX_LISTED_USERS, type RecoverPlan } from '../../../wire/snapshot.ts'
import { StepWriter } from '../step-files.ts'
import { HashedPlan, type PlannedRun } from './plan-check.ts'

/**
 * Plans what a recover, or its undo, would do to a volume: the steps, which are kept, the users of the volume, and the
 * hash. Changes nothing. `refused`: as of OpenedBackup.plan().
 */
export async function planChanges(
  run: PlannedRun,
  chosen: ChosenFiles | null,
): Promise<{ plan: RecoverPlan; refused: number }> {
  const { context, source, volume } = run
  const { settings, rid, signal } = context
  const hashed = new HashedPlan(run)
  using kept = new StepWriter({ dataDir: settings.dataDir, rid })
  const { plan, refused } = await source.plan({
    path: volume.exists ? volume.place : null,
    chosen,
    signal,
    warn: (message) => context.warn(message),
    note: (fate, name) => hashed.note(fate, name),
    onStep: (kind, name, bytes) => kept.add(kind, name, bytes),
  })
  const users = await listUsers(run)
  const leftOut = await kept.finish()
  if (leftOut !== undefined) context.warn(`not all steps of the plan are kept: ${leftOut}`)
  return { plan: { ...plan, users, planHash: await hashed.finish() }, refused }
}

/** The processes for which a recover would be refused; warns about those that could not be inspected, as it would. */
async function listUsers({ context, volume }: PlannedRun): Promise<NonNullable<RecoverPlan['users']>> {
  if (!volume.exists) return { count: 0, first: [] }
  const { users, unseen } = await findUsers(volume.currentPath())
  const hidden = unseenWarning(unseen)
  if (hidden !== undefined) context.warn(hidden)
  return { count: users.length, first: users.slice(0, MAX_LISTED_USERS).map((user) => ({ ...user })) }
}
