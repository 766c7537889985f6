import { hasCode } from '../lib/errors.ts'
import { isBackupName, isNamedAfterProc, parseBackupPath } from '../wire/archive-name.ts'
import { isMirror } from '../wire/backup.ts'
import { type Answer, isRefused, type Refused, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { locateBackup } from './backups.ts'
import { reportCorrupt } from './corrupt-backups.ts'
import { deleteNoted, type Quoted, refuseByPlan } from './delete-guard.ts'
import { type DeletePlan, makeDeletePlan, orStale, refusePlanHash } from './delete-plan.ts'
import type { DeleteTarget } from './delete-targets.ts'
import { findDeleted } from './deleted-backups.ts'
import { relistSoon } from './listing.ts'
import { refuseUnlessPermitted } from './permission.ts'
import { fullProcName } from './procs.ts'
import { findUndoWindow, type HowToDelete, refuseFinal } from './undo-window.ts'
import { reloadHealth } from './update-health.ts'
import { seesApp, type UserWorld } from './user-world.ts'
import type { World } from './world.ts'

export interface DeleteBackups extends HowToDelete {
  app: string
  proc: string
  names: string[]
  server?: string | undefined
  planHash?: string | undefined
  /** Of legacy URLs, which cannot quote a plan. */
  needsNoPlan?: boolean
}

/**
 * One name that may not be deleted refuses the whole request. `NAME/path` deletes inside a mirror of the legacy system.
 * The daemon hides full backups for a while, unless the delete is final. Returns the deleted names.
 */
export function deleteBackups(world: UserWorld, request: DeleteBackups): Promise<Answer<string[]>> {
  const { app, proc, names, server, isFinal = false, planHash, needsNoPlan = false } = request
  const quoted: Quoted = { planHash, query: 'deleteBackupsPlan', needsNoPlan }
  const plan = planHash?.slice(0, 100) ?? null
  return audited(
    world,
    {
      verb: 'deleteBackups',
      facts: { app, proc, names, server: server ?? null, now: isFinal, planHash: plan },
    },
    {
      async check() {
        const targets = orStale(planHash, await findDeletable(world, request))
        if (isRefused(targets)) return targets
        const refused = refuseToBeFinal(world, request, targets)
        return refused ?? (await refuseByPlan(world, { targets, isFinal }, quoted)) ?? targets
      },
      act: (targets) =>
        deleteNoted(world, { targets, ...quoted }, async (ip, some) => {
          await deleteOn(world, ip, { targets: some, request })
          return listNames(some)
        }),
    },
  )
}

/** What the same delete would do now. */
export async function planDeleteBackups(
  world: UserWorld,
  request: DeleteBackups,
): Promise<Answer<DeletePlan>> {
  const targets = await findDeletable(world, request)
  return isRefused(targets) ? targets : makeDeletePlan(world, { targets, isFinal: request.isFinal === true })
}

async function findDeletable(world: UserWorld, request: DeleteBackups): Promise<Answer<DeleteTarget[]>> {
  const { app, planHash } = request
  const refusal = seesApp(world, app) && refuseUnlessPermitted(world, 'delete', { app })
  return refusal || (refusePlanHash(planHash) ?? (await resolveDeletions(world, request)))
}

async function resolveDeletions(world: UserWorld, request: DeleteBackups): Promise<Answer<DeleteTarget[]>> {
  const deletions: DeleteTarget[] = []
  for (const name of new Set(request.names)) {
    const one = refuseForeign(world, request, name) ?? (await resolveDeletion(world, request, name))
    if (isRefused(one)) return one
    deletions.push(one)
  }
  return deletions
}

function refuseToBeFinal(
  world: World,
  request: DeleteBackups,
  targets: readonly DeleteTarget[],
): Refused | undefined {
  for (const { backup } of targets) {
    const refused = refuseFinal(world, backup.server, request)
    if (refused) return refused
  }
  return undefined
}

function refuseForeign(
  world: UserWorld,
  { app, proc }: DeleteBackups,
  name: string,
): Answer<never> | undefined {
  const path = parseBackupPath(name)
  if (!isBackupName(path.name) || path.inside === undefined) {
    return refuse('BAD_INPUT', `"${name}" is not the name of a backup; nothing was deleted`, { name })
  }
  const full = fullProcName(world, app, proc)
  if (isNamedAfterProc(name, { app, proc: full })) return undefined
  return refuse(
    'FORBIDDEN',
    `"${name}" does not belong to ${full} of ${app}; nothing was deleted: take names from its list of backups`,
    { name },
  )
}

async function resolveDeletion(
  world: UserWorld,
  { app, proc, server, isFinal }: DeleteBackups,
  name: string,
): Promise<Answer<DeleteTarget>> {
  const { name: whole } = parseBackupPath(name)
  const backup = await locateBackup(world, { app, proc, name: whole, server })
  if (isRefused(backup)) {
    const mayBeDeleted = backup.refused === 'NOT_FOUND' && isFinal && server !== undefined
    const deleted = mayBeDeleted ? await findDeleted(world, server, name) : undefined
    return deleted?.app === app ? { name, backup: deleted, isHidden: true } : backup
  }
  if (name === whole || isMirror(backup)) return { name, backup }
  const message = `Cannot delete a part of "${whole}": delete the whole backup. Nothing was deleted`
  return refuse('BAD_INPUT', message, { name })
}

async function deleteOn(
  world: UserWorld,
  ip: string,
  { targets, request }: { targets: DeleteTarget[]; request: DeleteBackups },
): Promise<void> {
  const server = world.servers.get(ip)
  const whole = targets.filter(({ name, backup }) => name === backup.name)
  try {
    await sendDelete(world, ip, { ...request, names: listNames(targets) })
    await world.ports.backups.remove(ip, listNames(whole))
    await reportCorrupt(world, ip)
    reloadHealth(world, ip)
  } catch (error) {
    // Some may be deleted although the catalog still has them: read the store's list again.
    if (server) server.listingStale = true
    throw error
  }
  if (server && whole.length < targets.length) relistSoon(world, server)
}

async function sendDelete(world: UserWorld, ip: string, { names, ...request }: DeleteBackups): Promise<void> {
  const { daemon } = world.ports
  const windowMs = findUndoWindow(world, ip, request)
  if (windowMs === 0) return await daemon.deleteBackups(ip, ip, names)
  try {
    await daemon.ask(ip, 'hide', { namespace: ip, names, by: world.caller.who, windowMs })
  } catch (error) {
    if (!request.allowsFinal || !cannotHide(error)) throw error
    await daemon.deleteBackups(ip, ip, names)
  }
}

/** To hide something takes a little room, and a route that an older daemon does not have. Its age may not be known yet. */
function cannotHide(error: unknown): boolean {
  if (hasCode(error, 'STORE_FULL')) return true
  return hasCode(error, 'DAEMON_REFUSED') && error.facts.status === 404
}

function listNames(targets: readonly DeleteTarget[]): string[] {
  return targets.map(({ name }) => name)
}
