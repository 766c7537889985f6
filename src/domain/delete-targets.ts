import { type BackupInfo, hasSnapshots, hasUnreadableManifest, isGood } from '../wire/backup.ts'
import type { DeleteKey } from '../wire/delete-plan.ts'
import { isUnusualHold } from '../wire/hold.ts'
import { parsePin } from '../wire/pin.ts'
import type { SnapshotInfo } from '../wire/snapshot.ts'
import type { GoodDelete } from './delete-ports.ts'
import { listHolds } from './pins.ts'
import { readSnapshots } from './snapshots.ts'
import type { World } from './world.ts'

/** What a delete names, as it is listed. */
export interface DeleteTarget {
  /** As requested: `NAME`, or `NAME/path` in a mirror. */
  name: string
  backup: BackupInfo
  /** Only this snapshot of it. */
  snapshot?: SnapshotInfo
  /** It was deleted before, and only its room is left to free. */
  isHidden?: boolean
}

/** One thing that a delete takes; of an increment, each snapshot. */
export interface DeletePart {
  key: DeleteKey
  target: DeleteTarget
  snapshot: SnapshotInfo | undefined
}

/** In the same order each time. Asks for the snapshots of the increments that are deleted whole. */
export async function* readDeleteParts(
  world: World,
  targets: readonly DeleteTarget[],
): AsyncGenerator<readonly DeletePart[]> {
  for (const target of sortTargets(targets)) {
    const { name, backup, snapshot, isHidden = false } = target
    const { server } = backup
    if (snapshot || isHidden || !hasSnapshots(backup)) {
      yield [{ key: { server, name, snapshot: snapshot?.id ?? null }, target, snapshot }]
      continue
    }
    for await (const page of readSnapshots(world, backup))
      yield page.map((one) => ({ key: { server, name, snapshot: one.id }, target, snapshot: one }))
  }
}

function sortTargets(targets: readonly DeleteTarget[]): DeleteTarget[] {
  const keyOf = ({ name, backup, snapshot }: DeleteTarget) => `${backup.server} ${name} ${snapshot?.id ?? ''}`
  return targets
    .map((target) => ({ key: keyOf(target), target }))
    .sort((one, other) => (one.key < other.key ? -1 : Number(one.key > other.key)))
    .map(({ target }) => target)
}

/** Why it cannot be deleted, as far as the controller knows: empty if nothing is known to keep it. */
export function listReasonsToKeep(world: World, { backup, snapshot, isHidden }: DeleteTarget): string[] {
  if (isHidden) return []
  const holds = listHolds(world, snapshot ? (snapshot.holds ?? []) : backup.holds).map(describeHold)
  if (snapshot || !hasUnreadableManifest(backup)) return holds
  return [...holds, `its manifest cannot be read, so somebody may have pinned it (${backup.corrupt})`]
}

function describeHold(hold: string): string {
  if (isUnusualHold(hold)) return `it is kept from before an unusual backup (${hold})`
  const { at, by, reason, until } = parsePin(hold)
  if (at === null) return `it is held (${reason})`
  return `${by} pinned it at ${at} ${until === null ? 'until somebody releases it' : `until ${until}`}: ${reason}`
}

/**
 * What would be lost of the good backups. What is hidden was counted before. What something keeps counts: the catalog may not
 * know yet that it was released, and the daemon refuses the delete if it was not.
 */
export function listGoodDeletes(targets: readonly DeleteTarget[]): GoodDelete[] {
  const found = new Map<string, GoodDelete>()
  for (const { backup, snapshot, isHidden } of targets) {
    const points = snapshot ? Number(snapshot.good) : countPoints(backup)
    if (isHidden || points === 0) continue
    const { server, name, app, source } = backup
    const key = { server, name, snapshot: snapshot?.id ?? '' }
    found.set(JSON.stringify(Object.values(key)), { ...key, app, source, points })
  }
  return [...found.values()]
}

/** Of an increment, the catalog knows how many snapshots it has, but not which of them are good. */
function countPoints(backup: BackupInfo): number {
  if (hasSnapshots(backup)) return backup.series.lastGood === null ? 0 : backup.series.snapshots
  return Number(isGood(backup))
}
