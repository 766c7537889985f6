import { findApp } from '../wire/find-app.ts'
import {
  DEFAULT_KEEP_MS,
  DROP_KEPT_ACTION,
  type KeptOld,
  UNDO_ACTION,
  UNDO_PLAN_ACTION,
} from '../wire/kept-old.ts'
import type { RunRecord } from '../wire/record.ts'
import { type Answer, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { refuseUnlessPermitted } from './permission.ts'
import { findVolumeByPath, type PlannedVolume } from './plan.ts'
import { getRecord } from './records.ts'
import { describeTarget, refuseRecoverPlanHash } from './recover.ts'
import { startRun } from './runs.ts'
import { seesApp, type UserWorld } from './user-world.ts'
import type { World } from './world.ts'

/** What a recover of the volume replaced and kept, as its daemon last said. */
export function findKeptOld({ servers }: World, { server, path }: PlannedVolume): KeptOld | undefined {
  return servers.get(server)?.debug?.keptOld?.find(({ volume }) => volume === path)
}

export interface UndoOptions {
  /** The recover that is undone. */
  rid: string
  inUse: 'refuse' | 'proceed'
  keepOldMs?: number | undefined
  plan: boolean
  planHash?: string | undefined
}

/** Puts back what a recover replaced, and keeps what this replaces. */
export function undoRecover(world: UserWorld, options: UndoOptions): Promise<Answer<RunRecord>> {
  const { rid: kept, inUse, plan, planHash, keepOldMs = DEFAULT_KEEP_MS } = options
  const facts = { rid: kept, inUse, plan, planHash: planHash?.slice(0, 100) ?? null, keepOldMs }
  return audited(
    world,
    { verb: 'undoRecover', facts },
    {
      async check() {
        const refused = planHash === undefined ? undefined : refuseRecoverPlanHash(plan, planHash)
        return refused ?? (await findRecovered(world, kept))
      },
      act(volume) {
        const { hooks, path: destDir } = describeTarget(volume)
        const asked = {
          app: volume.app,
          proc: volume.proc,
          destDir,
          kept,
          inUse,
          keepOldMs,
          ...(plan && { plan }),
          ...(planHash !== undefined && { planHash }),
          ...(hooks && !plan && { hooks }),
        }
        const action = plan ? UNDO_PLAN_ACTION : UNDO_ACTION
        const draft = { server: volume.server, jobId: '', spec: '', action, args: { ...asked } }
        return startRun(world, draft, (rid) =>
          world.ports.daemon.changeKept(volume.server, 'undo', { rid, ...asked }),
        )
      },
    },
  )
}

/** Removes what a recover replaced before it expires, to free its room. */
export function dropKeptOld(world: UserWorld, kept: string): Promise<Answer<RunRecord>> {
  return audited(
    world,
    { verb: 'dropKeptOld', facts: { rid: kept } },
    {
      check: () => findRecovered(world, kept),
      act(volume) {
        const asked = { app: volume.app, proc: volume.proc, destDir: volume.path, kept }
        const draft = { server: volume.server, jobId: '', spec: '', action: DROP_KEPT_ACTION, args: asked }
        return startRun(world, draft, (rid) =>
          world.ports.daemon.changeKept(volume.server, 'drop', { rid, ...asked }),
        )
      },
    },
  )
}

/**
 * The volume that the recover went to, if the inventory still has it and the caller may recover it. Without its record, the
 * volume whose daemon reports the copy.
 */
async function findRecovered(world: UserWorld, rid: string): Promise<Answer<PlannedVolume>> {
  const record = await getRecord(world, rid)
  const reported = record ? undefined : findReported(world, rid)
  if (reported) return refuseUnlessPermitted(world, 'recover', reported) ?? reported
  if (!record) return refuse('NOT_FOUND', `There is no record "${rid.slice(0, 100)}" of a recover`, { rid })
  const refusal = refuseUnlessPermitted(world, 'recover', { app: findApp(record) })
  if (refusal) return refusal
  if (record.action !== 'backup_recover' && record.action !== UNDO_ACTION)
    return refuse('BAD_INPUT', `The record "${rid}" is not one of a recover of a volume`, { rid })
  const volume = findVolumeByPath(world.inventory.plan, record.server, String(record.args.destDir))
  if (volume) return refuseUnlessPermitted(world, 'recover', volume) ?? volume
  const what = `The inventory has no volume ${record.args.destDir} on ${record.server} any more`
  return refuse('NOT_FOUND', `${what}: put it back there`, { rid })
}

/** Only what the caller may see. */
function findReported(world: UserWorld, rid: string): PlannedVolume | undefined {
  for (const [server, { debug }] of world.servers) {
    const kept = debug?.keptOld?.find((one) => one.rid === rid)
    const volume = kept && findVolumeByPath(world.inventory.plan, server, kept.volume)
    if (volume && seesApp(world, volume.app)) return volume
  }
  return undefined
}
