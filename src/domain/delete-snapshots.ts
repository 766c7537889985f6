import { type BackupInfo, hasSnapshots } from '../wire/backup.ts'
import type { SnapshotInfo } from '../wire/snapshot.ts'
import { type Answer, isRefused, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { type BackupName, locatePermitted } from './backups.ts'
import { deleteNoted, type Quoted, refuseByPlan } from './delete-guard.ts'
import type { PlannedSelection } from './delete-loss.ts'
import { type DeletePlan, makeDeletePlan, orStale, refusePlanHash } from './delete-plan.ts'
import { findDeletedSnapshots } from './deleted-backups.ts'
import { readSnapshots, refuseWithoutSeries, relistNow, toBackupKey } from './snapshots.ts'
import { findUndoWindow, refuseFinal } from './undo-window.ts'
import type { UserWorld } from './user-world.ts'

const QUERY = 'deleteSnapshotsPlan'

export interface DeleteSnapshots {
  backup: BackupName
  /** Ids, or their first digits. */
  snapshots: string[]
  isFinal?: boolean
  planHash?: string | undefined
}

/**
 * The daemon hides them for a while, unless the delete is final, also of those that are hidden: then the next prune frees their
 * room. Returns the ids.
 */
export function deleteSnapshots(world: UserWorld, request: DeleteSnapshots): Promise<Answer<string[]>> {
  const { backup: name, snapshots, isFinal = false, planHash } = request
  const quoted: Quoted = { planHash, query: QUERY }
  const plan = planHash?.slice(0, 100) ?? null
  const facts = { ...name, server: name.server ?? null, snapshots, now: isFinal, planHash: plan }
  return audited(
    world,
    { verb: 'deleteSnapshots', facts },
    {
      async check() {
        const chosen = orStale(planHash, await chooseSnapshots(world, request))
        if (isRefused(chosen)) return chosen
        const refused = refuseFinal(world, chosen.backup.server, { isFinal })
        return refused ?? (await refuseByPlan(world, chosen, quoted)) ?? chosen
      },
      act: ({ backup, ...selection }) =>
        deleteNoted(world, { ...selection, ...quoted }, async () => {
          // Those that were counted, and no others that begin with the same digits.
          const ids = selection.targets.flatMap(({ snapshot }) => snapshot?.id ?? [])
          try {
            return await sendDelete(world, backup, { snapshots: ids, isFinal })
          } finally {
            // Even if it failed, some may be deleted.
            relistNow(world, backup)
          }
        }),
    },
  )
}

export async function planDeleteSnapshots(
  world: UserWorld,
  request: Pick<DeleteSnapshots, 'backup' | 'snapshots' | 'isFinal'>,
): Promise<Answer<DeletePlan>> {
  const chosen = await chooseSnapshots(world, request)
  return isRefused(chosen) ? chosen : makeDeletePlan(world, chosen)
}

interface ChosenSnapshots extends PlannedSelection {
  backup: BackupInfo
}

async function chooseSnapshots(
  world: UserWorld,
  { backup: name, snapshots, isFinal = false, planHash }: DeleteSnapshots,
): Promise<Answer<ChosenSnapshots>> {
  const backup = await locatePermitted(world, name, 'delete')
  if (isRefused(backup)) return backup
  if (!hasSnapshots(backup)) return refuseWithoutSeries(backup)
  if (snapshots.length === 0) return refuse('BAD_INPUT', 'No snapshot is named; nothing was deleted', {})
  const malformed = snapshots.find((digits) => !/^[\da-f]{4,64}$/.test(digits))
  if (malformed !== undefined) return refuseMalformed(malformed)
  const refused = refusePlanHash(planHash)
  if (refused) return refused
  const all = (await Array.fromAsync(readSnapshots(world, backup))).flat()
  const listed = pickSnapshots(backup, all, snapshots)
  const hidden = isFinal && isRefused(listed) ? await findDeletedSnapshots(world, backup) : []
  const chosen = hidden.length > 0 ? pickSnapshots(backup, [...all, ...hidden], snapshots) : listed
  if (isRefused(chosen)) return chosen
  const { server } = backup
  const points = all.filter(({ good }) => good).length
  return {
    backup,
    targets: chosen.map((snapshot) => ({
      ...{ name: backup.name, backup, snapshot },
      isHidden: hidden.includes(snapshot),
    })),
    isFinal,
    counted: { server, name: backup.name, points },
  }
}

function pickSnapshots(
  { name }: BackupInfo,
  all: readonly SnapshotInfo[],
  wanted: readonly string[],
): Answer<SnapshotInfo[]> {
  const byId = new Map(all.map((snapshot) => [snapshot.id, snapshot]))
  const chosen = new Set<SnapshotInfo>()
  for (const prefix of wanted) {
    const whole = byId.get(prefix)
    const [found, other] = whole ? [whole] : all.filter(({ id }) => id.startsWith(prefix))
    if (!found || other) return refuseUnclear(name, prefix, other !== undefined)
    chosen.add(found)
  }
  return [...chosen]
}

function refuseMalformed(snapshot: string): Answer<never> {
  const rule = 'write its id, 64 hex digits, or the first 4 or more of them'
  return refuse('BAD_INPUT', `"${snapshot}" is not a snapshot: ${rule}. Nothing was deleted`, { snapshot })
}

function refuseUnclear(name: string, snapshot: string, isAmbiguous: boolean): Answer<never> {
  const what = isAmbiguous
    ? `Several snapshots of "${name}" begin with "${snapshot}": name more digits`
    : `"${name}" has no snapshot "${snapshot}"`
  const code = isAmbiguous ? 'BAD_INPUT' : 'NOT_FOUND'
  return refuse(code, `${what}. Nothing was deleted`, { name, snapshot })
}

async function sendDelete(
  world: UserWorld,
  backup: BackupInfo,
  { snapshots, isFinal }: { snapshots: string[]; isFinal: boolean },
): Promise<string[]> {
  const { daemon } = world.ports
  const { server } = backup
  const request = { ...toBackupKey(backup), snapshots }
  const windowMs = findUndoWindow(world, server, { isFinal })
  const answer =
    windowMs === 0
      ? await daemon.ask(server, 'deleteSnapshots', request)
      : await daemon.ask(server, 'hideSnapshots', { ...request, by: world.caller.who, windowMs })
  return answer.deletedSnapshots
}
