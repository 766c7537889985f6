import { findArchiveOfBackup } from '../wire/archive-name.ts'
import type { BackupInfo } from '../wire/backup.ts'
import type { SentHooks } from '../wire/hook-options.ts'
import { chooseRecoverAction } from '../wire/job.ts'
import type { Signers } from '../wire/manifest-signature.ts'
import { describeChangedParts, findChangedParts, planHashSchema } from '../wire/plan-hash.ts'
import type { RunRecord } from '../wire/record.ts'
import { type Answer, isRefused, type Refused, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { type BackupName, locateBackup } from './backups.ts'
import { refuseUnlessPermitted } from './permission.ts'
import { findVolume, findVolumeByArchive, type PlannedVolume } from './plan.ts'
import { startRun } from './runs.ts'
import { seesApp, type UserWorld } from './user-world.ts'
import type { World } from './world.ts'

export interface RecoverOptions {
  backup: BackupName
  /** Of an increment; its newest if left out. */
  snapshot?: string | undefined
  /** If left out, the whole content is replaced. */
  files?: string[] | undefined
  inUse: 'refuse' | 'proceed'
  onRefusedRename?: 'refuse' | 'in-place'
  /** Only show what would be done. */
  plan?: boolean
  /** Of a plan of the same recover, which is refused if it would do something else. */
  planHash?: string | undefined
  /** How long what is replaced is kept, ms; it is removed if this is left out. */
  keepOldMs?: number | undefined
  /** Also if it is a full backup that should be signed and is not, or was altered. */
  acceptUnsigned?: boolean | undefined
  /** A new folder to recover into; see recover-elsewhere.ts. */
  toDirectory?: string | undefined
  /** The server with that folder; the one of the backup if left out. */
  toServer?: string | undefined
}

export interface MigrateOptions extends RecoverOptions {
  /** Number of the instance to recover into. */
  to: number
  volume: string
  /** `volume` again, required if the backup is of a volume with another name. */
  confirmVolume?: string | undefined
}

/** Recovers a backup into the volume that it is named after. */
export function recover(world: UserWorld, options: RecoverOptions): Promise<Answer<RunRecord>> {
  return audited(
    world,
    { verb: 'recover', facts: listRecoverFacts(options) },
    {
      async check() {
        if (options.toServer !== undefined) return refuseServer(options.toServer)
        const backup = await locateRecoverable(world, options, 'recover')
        if (isRefused(backup)) return backup
        const home = findOwnVolume(world, backup)
        if (isRefused(home)) return home
        // What the manifest names as its app need not be the app whose volume it goes to.
        const task = { backup, server: backup.server, ...describeTarget(home) }
        return refuseUnlessPermitted(world, 'recover', home) ?? refuseOtherPlan(options, task) ?? task
      },
      act: (target) => startRecover(world, options, target),
    },
  )
}

/** Recovers a backup into a volume of another instance of the same proc, on the server where that runs. */
export function migrate(world: UserWorld, options: MigrateOptions): Promise<Answer<RunRecord>> {
  const facts = { ...listRecoverFacts(options), to: options.to, volume: options.volume }
  return audited(
    world,
    { verb: 'migrate', facts },
    {
      async check() {
        const backup = await locateRecoverable(world, options, 'migrate')
        if (isRefused(backup)) return backup
        const target = findTarget(world, backup, options)
        if (isRefused(target)) return target
        const refusal = refuseUnlessPermitted(world, 'migrate', target) ?? refuseUnconfirmed(backup, options)
        const task = { backup, server: target.server, ...describeTarget(target) }
        return refusal ?? refuseOtherPlan(options, task) ?? task
      },
      act: (target) => startRecover(world, options, target),
    },
  )
}

function refuseServer(toServer: string): Answer<never> {
  const what = '"toServer" is the server of a new folder, and "toDirectory" is missing'
  return refuse('BAD_INPUT', `${what}: name it, or use migrate for another instance`, { toServer })
}

export async function locateRecoverable(
  world: UserWorld,
  { backup: name, snapshot, files, onRefusedRename, plan = false, planHash, keepOldMs }: RecoverOptions,
  action: 'recover' | 'migrate',
): Promise<Answer<BackupInfo>> {
  const backup = await locateBackup(world, name)
  if (isRefused(backup)) return backup
  const refusal = refuseUnlessPermitted(world, action, backup)
  if (refusal) return refusal
  if (snapshot !== undefined && backup.mode === 'full') {
    return refuse('BAD_INPUT', `"${backup.name}" is a full backup: it has no snapshots to pick from`, {
      name: backup.name,
    })
  }
  if (planHash !== undefined) {
    const refused = refuseRecoverPlanHash(plan, planHash)
    if (refused) return refused
  }
  if (files && onRefusedRename === 'in-place')
    return refuse(
      'BAD_INPUT',
      'A copy in place is of the whole volume: leave "files" out, or "onRefusedRename"',
    )
  if (keepOldMs !== undefined && (files || onRefusedRename === 'in-place'))
    return refuse(
      'BAD_INPUT',
      'Only a recover of the whole volume by renames keeps what it replaces: leave "keepOld" out, or "files" and "onRefusedRename"',
    )
  if (files?.length === 0)
    return refuse('BAD_INPUT', 'No file is named: leave "files" out to recover everything')
  return backup
}

export function refuseRecoverPlanHash(plan: boolean, planHash: string): Refused | undefined {
  if (plan) return refuse('BAD_INPUT', 'Leave "plan" out to carry out a plan, or "planHash" to make one', {})
  if (planHashSchema.safeParse(planHash).success) return undefined
  return refuse(
    'BAD_INPUT',
    '"planHash" is not one: copy all of it from `result.plan` of the record of a plan',
    {},
  )
}

/** Refuses early if the plan is about something else; the daemon compares the paths before it touches anything. */
function refuseOtherPlan(
  { planHash, files }: RecoverOptions,
  { backup, server, path }: RecoverTask,
): Refused | undefined {
  if (planHash === undefined) return undefined
  const { server: namespace, name } = backup
  const changed = findChangedParts(planHash, { namespace, backup: name, files: files ?? null, server, path })
  if (changed.length === 0) return undefined
  const what = `Cannot recover "${name}" by this plan: ${describeChangedParts(changed)}. Nothing was changed`
  return refuse('PLAN_STALE', what, { name, changed })
}

/** Requires a confirmation, because a typing error in the name would replace the content of another volume. */
function refuseUnconfirmed(
  { name, volume: own }: BackupInfo,
  { volume, confirmVolume }: MigrateOptions,
): Answer<never> | undefined {
  if (volume === own || volume === confirmVolume) return undefined
  const madeOf = own === '' ? 'a volume that is not known' : `the volume "${own}"`
  return refuse(
    'BAD_INPUT',
    `Cannot migrate "${name}" into the volume "${volume}": it was made of ${madeOf}, expected one of the same name. If that is meant, send confirmVolume: "${volume}"; nothing was changed`,
    { name, volume: own, target: volume },
  )
}

/**
 * The volume that the backup is named after, from the present inventory. The path in the catalog or in a manifest is
 * not used: anyone who can write there could direct the recover to another volume.
 */
function findOwnVolume(world: UserWorld, { server, name }: BackupInfo): Answer<PlannedVolume> {
  const home = findVolumeByArchive(world.inventory.plan, server, findArchiveOfBackup(name))
  if (home && seesApp(world, home.app)) return home
  const what = `Cannot recover "${name}": the inventory has no volume on ${server} that it is named after`
  return refuse(
    'NOT_FOUND',
    `${what}. Migrate it to a volume of the inventory, or put its volume back there`,
    {
      name,
      server,
    },
  )
}

function findTarget(
  world: World,
  { app, proc }: BackupInfo,
  { to, volume }: MigrateOptions,
): Answer<PlannedVolume> {
  const target = findVolume(world.inventory.plan, { app, proc, instanceNo: to, name: volume })
  return (
    target ??
    refuse('NOT_FOUND', `The inventory has no instance ${to} of ${proc} with a volume ${volume}`, {
      to,
      volume,
    })
  )
}

export interface RecoverTask {
  backup: BackupInfo
  /** The target. */
  server: string
  path: string
  hooks?: SentHooks
  /** `path` is a new folder, not a volume. */
  elsewhere?: boolean
}

export function describeTarget({ path, name, containers, recoverHooks }: PlannedVolume) {
  return { path, ...(recoverHooks && { hooks: { ...recoverHooks, volume: name, containers } }) }
}

export function startRecover(
  world: World,
  options: RecoverOptions,
  { backup, server, path, ...target }: RecoverTask,
): Promise<RunRecord> {
  const files = options.files ?? null
  const { app, proc, name, mode } = backup
  const snapshot = options.snapshot ?? null
  const plan = options.plan === true
  // A plan changes nothing, so it runs no hooks.
  const hooks = target.hooks && !plan ? { hooks: target.hooks } : {}
  const elsewhere = target.elsewhere === true
  const action = chooseRecoverAction({ plan, elsewhere })
  const inPlace = options.onRefusedRename === 'in-place' ? { onRefusedRename: options.onRefusedRename } : {}
  const quoted = options.planHash === undefined ? {} : { planHash: options.planHash }
  const keeping = options.keepOldMs === undefined ? {} : { keepOldMs: options.keepOldMs }
  const accepting = options.acceptUnsigned === true ? { acceptUnsigned: true } : {}
  const args = {
    app,
    proc,
    backup: name,
    destDir: path,
    files,
    namespace: backup.server,
    ...(snapshot !== null && { snapshot }),
    ...inPlace,
    ...(plan && { plan }),
    ...quoted,
    ...keeping,
    ...accepting,
    ...hooks,
  }
  return startRun(world, { server, jobId: '', spec: '', action, args }, (rid) =>
    world.ports.daemon.recover(server, {
      rid,
      namespace: backup.server,
      name,
      mode,
      destDir: path,
      app,
      proc,
      files,
      snapshot,
      inUse: options.inUse,
      ...inPlace,
      plan,
      ...quoted,
      ...keeping,
      ...accepting,
      ...listSigners(world, backup.server),
      ...(elsewhere && { elsewhere }),
      ...hooks,
    }),
  )
}

/** So that the daemon of another server, or one that lost its data, knows whose signatures count. */
function listSigners({ enrolments, ports }: World, server: string): { signers?: Signers } {
  if (!ports.authority || enrolments.kindOf(server) === 'none') return {}
  const signsSince = enrolments.get(server)?.signsSince
  const since = signsSince === undefined ? {} : { [server]: signsSince }
  return { signers: { authorities: [...ports.authority.signing], since } }
}

export function listRecoverFacts({
  backup,
  snapshot,
  files,
  inUse,
  onRefusedRename = 'refuse',
  plan = false,
  planHash,
  keepOldMs,
  acceptUnsigned = false,
}: RecoverOptions) {
  const place = { ...backup, server: backup.server ?? null }
  return {
    ...place,
    snapshot: snapshot ?? null,
    files: files ?? null,
    inUse,
    onRefusedRename,
    plan,
    planHash: planHash?.slice(0, 100) ?? null,
    keepOldMs: keepOldMs ?? null,
    ...(acceptUnsigned && { acceptUnsigned }),
  }
}
