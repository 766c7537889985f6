import {
  MAX_LISTED_LOSSES,
  type DeletePlan as MadePlan,
  type PlannedDelete as PlannedItem,
} from '../domain/delete-plan.ts'
import { isGood } from '../wire/backup.ts'
import type { DeletePlan, PlannedDelete, VolumeLoss } from './types/delete-plan.ts'

export function toDeletePlan({ loss, items, ...plan }: MadePlan): DeletePlan {
  const { volumes, all, because } = loss
  const { planHash, count, kept, bytes, snapshots, snapshotBytes } = plan
  return {
    ...{ planHash, count, kept, bytes, snapshots, snapshotBytes },
    items: items.map(toPlannedDelete),
    volumes: volumes
      .map(toVolumeLoss)
      .sort((one, other) => one.left - other.left)
      .slice(0, MAX_LISTED_LOSSES),
    goodOfAll: all.good,
    leftOfAll: countLeft(all),
    neededBecause: because,
  }
}

function toPlannedDelete({ target, keptBecause }: PlannedItem): PlannedDelete {
  const { name, backup, snapshot } = target
  const { server, mode } = backup
  const { created, size } = snapshot ?? backup
  const good = snapshot ? snapshot.good : isGood(backup)
  return { name, snapshot: snapshot?.id ?? null, server, mode, created, size, good, keptBecause }
}

function toVolumeLoss({ server, target, ...loss }: MadePlan['loss']['volumes'][number]): VolumeLoss {
  const { proc = '', instanceNo = 0, volume = '' } = target?.backup ?? {}
  const { good, deleted: deletedInHour } = loss
  return { server, proc, instanceNo, volume, good, deletedInHour, left: countLeft(loss) }
}

function countLeft({ good, deleted, now }: { good: number; deleted: number; now: number }): number {
  return Math.max(good - deleted - now, 0)
}
