// Like mapper.ts, for plans of recovers.

import type { KeptStep, PlannedStep } from '../wire/planned-step.ts'
import type { RunRecord } from '../wire/record.ts'
import type { RecoverPlan as WirePlan } from '../wire/snapshot.ts'
import type { RecoverPlan, RecoverStep } from './types/recover-plan.ts'

/** @param record of the run that made the plan */
export function toPlannedRecover(
  plan: WirePlan,
  { rid, server }: Pick<RunRecord, 'rid' | 'server'>,
): RecoverPlan {
  const { create, overwrite, onlyMetadata, unchanged, bytes, room, users, more, planHash } = plan
  return {
    origin: { rid, server },
    create,
    // A daemon counts changes of metadata as overwrites, too, as all versions do.
    overwrite: Math.max(0, overwrite - (onlyMetadata ?? 0)),
    metadata: onlyMetadata ?? null,
    delete: plan.delete,
    unchanged,
    bytes,
    bytesDeleted: plan.bytesDeleted ?? null,
    roomNeeded: room?.needed ?? null,
    roomFree: room?.free ?? null,
    userCount: users?.count ?? null,
    users: users?.first ?? [],
    steps: plan.steps.map(toPlannedStep),
    more,
    inPlace: plan.inPlace ?? null,
    planHash: planHash ?? null,
  }
}

function toPlannedStep({ action, path, bytes, onlyMetadata }: PlannedStep): RecoverStep {
  const isMetadata = action === 'overwrite' && onlyMetadata === true
  return { action: isMetadata ? 'metadata' : action, path, size: bytes ?? null }
}

export function toKeptStep({ kind, path, bytes }: KeptStep): RecoverStep {
  return { action: kind, path, size: bytes }
}
