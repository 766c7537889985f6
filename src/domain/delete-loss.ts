import { HOUR_MS } from '../lib/time-units.ts'
import { type Answer, type Refused, refuse } from './answer.ts'
import type { GoodDelete, GoodLoss, LossQuestion, VolumeLoss } from './delete-ports.ts'
import { type DeleteTarget, listGoodDeletes, listReasonsToKeep } from './delete-targets.ts'
import { findScopeApps } from './narrow-to-scope.ts'
import type { UserWorld } from './user-world.ts'
import { trustedNow, type World } from './world.ts'

/** How much may be deleted in this time without a plan. */
const WINDOW_MS = HOUR_MS
const MAX_NAMED = 5

/** What is deleted, and how. */
export interface PlannedSelection {
  targets: readonly DeleteTarget[]
  /** Its room is freed at once, so nobody can undo it. */
  isFinal?: boolean
  counted?: LossQuestion['counted']
}

export interface DeleteLoss {
  volumes: (VolumeLoss & { target: DeleteTarget | undefined })[]
  /** Of what the caller may see. */
  all: GoodLoss
  /** Why a plan is needed; empty if it is not. */
  because: string[]
  /** What stays, as far as the catalog knows, and why: the first of it. */
  kept: string[]
}

/** Compares what would be deleted, with what was within the last hour, to the good backups that there are. */
export async function measureLoss(
  world: UserWorld,
  { targets, counted }: PlannedSelection,
): Promise<DeleteLoss> {
  const deletes = listGoodDeletes(targets)
  const apps = await findScopeApps(world, world.ports.backups)
  const since = trustedNow(world) - WINDOW_MS
  const { volumes, all } = await world.ports.deletes.measure({ deletes, since, apps, counted })
  const places = new Map(targets.map((target) => [namePlace(target.backup), target]))
  const named = volumes.map((volume) => ({ ...volume, target: places.get(namePlace(volume)) }))
  const ofVolumes = named.filter((loss) => takesMoreThan(loss, 2)).map(describeVolumeLoss)
  const more =
    ofVolumes.length > MAX_NAMED ? [`the same of ${ofVolumes.length - MAX_NAMED} more volumes`] : []
  const ofAll = takesMoreThan(all, 10) ? [describeAll(all)] : []
  const because = [...ofVolumes.slice(0, MAX_NAMED), ...more, ...ofAll]
  return { volumes: named, all, because, kept: listKept(world, targets) }
}

function listKept(world: World, targets: readonly DeleteTarget[]): string[] {
  const kept = targets.map((target) => ({ name: target.name, reasons: listReasonsToKeep(world, target) }))
  const some = kept.filter(({ reasons }) => reasons.length > 0).slice(0, MAX_NAMED)
  return some.map(({ name, reasons }) => `"${name}" stays, because ${reasons.join('; ')}`)
}

/** Whether what is deleted now makes it more than one in `parts` of all. */
function takesMoreThan({ good, deleted, now }: GoodLoss, parts: number): boolean {
  return now > 0 && (deleted + now) * parts > good
}

function describeVolumeLoss({ target, server, ...loss }: DeleteLoss['volumes'][number]): string {
  const { volume = 'a volume', proc = '', instanceNo = 0 } = target?.backup ?? {}
  return `${describeShare(loss)} of ${volume} of ${proc} ${instanceNo} on ${server}, more than half`
}

function describeAll(loss: GoodLoss): string {
  return `${describeShare(loss)} in all, more than a tenth`
}

function describeShare({ good, deleted, now }: GoodLoss): string {
  return `${deleted + now} of the ${good} good backups`
}

function namePlace({ server, app, source }: { server: string; app: string; source: string }): string {
  return JSON.stringify([server, app, source])
}

/** @param query the query that makes the plan */
export function refuseUnplanned(
  { because, kept, volumes, all }: DeleteLoss,
  query: 'deleteBackupsPlan' | 'deleteSnapshotsPlan',
): Refused | undefined {
  if (because.length === 0) return undefined
  const what = `Cannot delete without a plan: within an hour it would take ${because.join('; ')}`
  const then = `Look at ${query} with the same names, and send its planHash. Nothing was deleted`
  const stays = kept.map((one) => `. ${one}`).join('')
  const facts = {
    all: { good: all.good, deletedInHour: all.deleted, wouldDelete: all.now },
    volumes: volumes.slice(0, MAX_NAMED).map(({ server, target, good, deleted, now }) => ({
      ...{ server, volume: target?.backup.volume ?? null, good, deletedInHour: deleted, wouldDelete: now },
    })),
    query,
  }
  return refuse('PLAN_NEEDED', `${what}${stays}. ${then}`, facts)
}

/** Counts what is going to be deleted, unless `judge` refuses it: another delete may have come first. Returns what did not count yet. */
export function countDeletes(
  world: UserWorld,
  selection: PlannedSelection,
  judge: () => Promise<Refused | undefined>,
): Promise<Answer<GoodDelete[]>> {
  return world.deletes.inTurn(async () => {
    const refused = await judge()
    if (refused) return refused
    const at = trustedNow(world)
    const deletes = listGoodDeletes(selection.targets)
    if (deletes.length === 0) return []
    return await world.ports.deletes.note(deletes, { at, forgetBefore: at - WINDOW_MS })
  })
}
