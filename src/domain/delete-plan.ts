import { DeletePlanHasher, deletePlanHashSchema } from '../wire/delete-plan.ts'
import { type Answer, isRefused, type Refused, refuse } from './answer.ts'
import { describePlanChange, type KeptDeletePlan, keepKey } from './delete-desk.ts'
import { type DeleteLoss, measureLoss, type PlannedSelection } from './delete-loss.ts'
import { type DeletePart, type DeleteTarget, listReasonsToKeep, readDeleteParts } from './delete-targets.ts'
import type { UserWorld } from './user-world.ts'

/** The most that a plan lists. */
export const MAX_LISTED_DELETES = 1000
/** And of volumes; those with the fewest good backups left come first. */
export const MAX_LISTED_LOSSES = 100
const MAX_NAMED = 12

/** What a delete would do. */
export interface DeletePlan {
  /** Of what would be deleted; null if that is nothing. */
  planHash: string | null
  /** The first of them, those included that stay. */
  items: PlannedDelete[]
  /** How many there are. */
  count: number
  /** How many of them stay. */
  kept: number
  /** Bytes that full backups and mirrors take. */
  bytes: number
  /** Snapshots that would be deleted, those of whole increments included. */
  snapshots: number
  /** Bytes that they added to the store; null if that is not known of one. */
  snapshotBytes: number | null
  loss: DeleteLoss
}

export interface PlannedDelete {
  target: DeleteTarget
  /** Why it stays; empty if it would be deleted. */
  keptBecause: string[]
}

export async function makeDeletePlan(world: UserWorld, selection: PlannedSelection): Promise<DeletePlan> {
  const { targets, isFinal, counted } = selection
  const items = targets.map((target) => ({ target, keptBecause: listReasonsToKeep(world, target) }))
  const going = items.filter(({ keptBecause }) => keptBecause.length === 0).map(({ target }) => target)
  const sums = { bytes: 0, snapshots: 0, snapshotBytes: 0 as number | null }
  const hashed = await hashTargets(
    world,
    { targets: going, isFinal },
    ({ target: { name, backup }, snapshot }) => {
      if (snapshot) {
        sums.snapshots += 1
        sums.snapshotBytes = addKnown(sums.snapshotBytes, snapshot.added)
      } else if (name === backup.name) sums.bytes += backup.size
    },
  )
  if (going.length > 0) world.deletes.remember(hashed.planHash, hashed.kept)
  return {
    planHash: going.length > 0 ? hashed.planHash : null,
    items: items.slice(0, MAX_LISTED_DELETES),
    count: items.length,
    kept: items.length - going.length,
    ...sums,
    loss: await measureLoss(world, { targets: going, counted }),
  }
}

function addKnown(sum: number | null, more: number | null): number | null {
  return sum === null || more === null ? null : sum + more
}

async function hashTargets(
  world: UserWorld,
  { targets, isFinal = false }: Pick<PlannedSelection, 'targets' | 'isFinal'>,
  onPart?: (part: DeletePart) => void,
): Promise<{ planHash: string; kept: KeptDeletePlan }> {
  const hasher = new DeletePlanHasher(isFinal)
  const kept: KeptDeletePlan = { app: targets[0]?.backup.app ?? '', isFinal, isComplete: true, keys: [] }
  for await (const parts of readDeleteParts(world, targets)) {
    for (const part of parts) {
      hasher.add(part.key)
      keepKey(kept, part.key)
      onPart?.(part)
    }
  }
  return { planHash: hasher.digest(), kept }
}

/** Refuses what is not a plan's hash at all. */
export function refusePlanHash(planHash: string | undefined): Refused | undefined {
  if (planHash === undefined || deletePlanHashSchema.safeParse(planHash).success) return undefined
  return refuse(
    'BAD_INPUT',
    '"planHash" is not one of a plan of a delete: copy all of it. Nothing was deleted',
  )
}

/** Refuses if the delete would take something else than the plan that is quoted. */
export async function refuseStaleDelete(
  world: UserWorld,
  planHash: string,
  selection: PlannedSelection,
): Promise<Refused | undefined> {
  const now = await hashTargets(world, selection)
  if (now.planHash === planHash) return undefined
  const change = world.deletes.compare(planHash, now.kept)
  const named = change ? describePlanChange(change) : []
  const why = change ? 'beyond the first 10,000 of them' : 'the controller does not remember the plan'
  const what = named.length > 0 ? named.join('; ') : `it is of other backups or snapshots (${why})`
  const { alsoDelete = [], noLonger = [] } = change ?? {}
  return makeStale(what, {
    alsoDelete: alsoDelete.slice(0, MAX_NAMED),
    noLonger: noLonger.slice(0, MAX_NAMED),
  })
}

function makeStale(what: string, facts: Record<string, string[]> = {}): Refused {
  return refuse('PLAN_STALE', `The plan is stale: ${what}. Nothing was deleted`, facts)
}

/** Of a delete that quotes a plan, a backup that does not exist any more makes the plan stale. */
export function orStale<T>(planHash: string | undefined, found: Answer<T>): Answer<T> {
  if (planHash === undefined || !isRefused(found) || found.refused !== 'NOT_FOUND') return found
  return makeStale(`${found.message.replace(/\.$/, '')}, so it would no longer be deleted`)
}
