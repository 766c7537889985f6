import { hasCode } from '../lib/errors.ts'
import { isBackupName, isNamedAfterProc, parseBackupPath } from '../wire/archive-name.ts'
import { type BackupInfo, type FileInfo, isMirror } from '../wire/backup.ts'
import { type BackupFilter, capCount, type ListCount, type Page, type Slice } from '../wire/listing.ts'
import { describeMissingBackup } from '../wire/missing-texts.ts'
import { isProcNamed } from '../wire/proc-names.ts'
import type { QuestionArgs } from '../wire/questions.ts'
import type { AccessAction } from './access/roles.ts'
import { type Answer, isRefused, type Refused, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { reportCorrupt } from './corrupt-backups.ts'
import { findDeleted } from './deleted-backups.ts'
import { askAbout, relistSoon } from './listing.ts'
import { NO_ITEMS, narrowToScope } from './narrow-to-scope.ts'
import { refuseUnlessPermitted } from './permission.ts'
import { findVolumeByPath, type PlannedVolume } from './plan.ts'
import { fullProcName } from './procs.ts'
import { findUndoWindow, type HowToDelete, refuseFinal } from './undo-window.ts'
import { reloadHealth } from './update-health.ts'
import { seesApp, type UserWorld } from './user-world.ts'
import type { World } from './world.ts'

/** A backup as users name it: `proc` short or full, `server` if the name alone is ambiguous. */
export interface BackupName {
  app: string
  proc: string
  name: string
  server?: string | undefined
}

/** Newest first. */
export async function findBackups(
  world: UserWorld,
  filter: BackupFilter,
  page: Page,
): Promise<Slice<BackupInfo>> {
  const own = await narrowToScope(world, filter, world.ports.backups)
  return own ? world.ports.backups.find(own, page) : NO_ITEMS
}

export async function countBackups(world: UserWorld, filter: BackupFilter): Promise<ListCount> {
  const own = await narrowToScope(world, filter, world.ports.backups)
  return own ? world.ports.backups.count(own) : capCount(0)
}

/** Refuses with NOT_FOUND, or with CONFLICT if several servers have a backup of that name. */
export async function locateBackup(
  world: UserWorld,
  { app, proc, name, server }: BackupName,
): Promise<Answer<BackupInfo>> {
  const filter: BackupFilter = { app, names: [name], ...(server !== undefined && { server }) }
  const { items } = await findBackups(world, filter, { first: 100 })
  const [found, ...others] = items.map(({ node }) => node).filter((backup) => isProcNamed(backup.proc, proc))
  if (!found)
    return refuse('NOT_FOUND', describeMissingBackup({ app, proc, name }), {
      name,
    })
  if (others.length === 0) return found
  const servers = [found, ...others].map((backup) => backup.server).sort()
  return refuse('CONFLICT', `Backup "${name}" lies on ${servers.join(' and ')}: say which server`, {
    name,
    servers,
  })
}

/** The same for a caller who wants to do something with it. */
export async function locatePermitted(
  world: UserWorld,
  name: BackupName,
  action: AccessAction,
): Promise<Answer<BackupInfo>> {
  const found = await locateBackup(world, name)
  if (isRefused(found)) return found
  return refuseUnlessPermitted(world, action, found) ?? found
}

/** Whether its volume is no longer in the inventory. */
export function isOrphaned(world: World, backup: BackupInfo): boolean {
  return findVolumeByPath(world.inventory.plan, backup.server, backup.source) === undefined
}

export function findPlannedVolume(world: World, backup: BackupInfo): PlannedVolume | undefined {
  return findVolumeByPath(world.inventory.plan, backup.server, backup.source)
}

export type FilesPage = Omit<QuestionArgs<'files'>, 'namespace' | 'name'>

/** The direct entries of `path` in the backup, sorted by path. */
export function listFiles(
  world: World,
  backup: BackupInfo,
  page: FilesPage,
): Promise<{ files: FileInfo[]; next: string | null }> {
  const request = { namespace: backup.server, name: backup.name, ...page }
  return askAbout(world, 'files', request)
}

export interface DeleteBackups extends HowToDelete {
  app: string
  proc: string
  names: string[]
  server?: string | undefined
}

/**
 * One name that may not be deleted refuses the whole request. `NAME/path` deletes inside a mirror of the legacy system.
 * The daemon hides full backups for a while, unless the delete is final. Returns the deleted names.
 */
export function deleteBackups(world: UserWorld, request: DeleteBackups): Promise<Answer<string[]>> {
  const { app, proc, names, server, isFinal = false } = request
  return audited(
    world,
    { verb: 'deleteBackups', facts: { app, proc, names, server: server ?? null, now: isFinal } },
    {
      check: () => {
        const refusal = seesApp(world, app) && refuseUnlessPermitted(world, 'delete', { app })
        return refusal || resolveDeletions(world, request)
      },
      act: async (deletions) => {
        for (const [ip, some] of Map.groupBy(deletions, ({ backup }) => backup.server))
          await deleteOn(world, ip, { deletions: some, request })
        return listNames(deletions)
      },
    },
  )
}

async function resolveDeletions(world: UserWorld, request: DeleteBackups): Promise<Answer<Deletion[]>> {
  const deletions: Deletion[] = []
  for (const name of new Set(request.names)) {
    const one = refuseForeign(world, request, name) ?? (await resolveDeletion(world, request, name))
    if (isRefused(one)) return one
    deletions.push(one)
  }
  return refuseToBeFinal(world, request, deletions) ?? deletions
}

function refuseToBeFinal(
  world: World,
  request: DeleteBackups,
  deletions: readonly Deletion[],
): Refused | undefined {
  for (const { backup } of deletions) {
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

interface Deletion {
  /** As requested: `NAME` or `NAME/path`. */
  name: string
  backup: BackupInfo
}

async function resolveDeletion(
  world: UserWorld,
  { app, proc, server, isFinal }: DeleteBackups,
  name: string,
): Promise<Answer<Deletion>> {
  const { name: whole } = parseBackupPath(name)
  const backup = await locateBackup(world, { app, proc, name: whole, server })
  if (isRefused(backup)) {
    const mayBeDeleted = backup.refused === 'NOT_FOUND' && isFinal && server !== undefined
    const deleted = mayBeDeleted ? await findDeleted(world, server, name) : undefined
    return deleted?.app === app ? { name, backup: deleted } : backup
  }
  if (name === whole || isMirror(backup)) return { name, backup }
  const message = `Cannot delete a part of "${whole}": delete the whole backup. Nothing was deleted`
  return refuse('BAD_INPUT', message, { name })
}

async function deleteOn(
  world: UserWorld,
  ip: string,
  { deletions, request }: { deletions: Deletion[]; request: DeleteBackups },
): Promise<void> {
  const server = world.servers.get(ip)
  const whole = deletions.filter(({ name, backup }) => name === backup.name)
  try {
    await sendDelete(world, ip, { ...request, names: listNames(deletions) })
    await world.ports.backups.remove(ip, listNames(whole))
    await reportCorrupt(world, ip)
    reloadHealth(world, ip)
  } catch (error) {
    // Some may be deleted although the catalog still has them: read the store's list again.
    if (server) server.listingStale = true
    throw error
  }
  if (server && whole.length < deletions.length) relistSoon(world, server)
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

/** To hide something takes a little room, and a route that an older daemon, of which nothing is known yet, does not have. */
function cannotHide(error: unknown): boolean {
  if (hasCode(error, 'STORE_FULL')) return true
  return hasCode(error, 'DAEMON_REFUSED') && error.facts.status === 404
}

function listNames(deletions: readonly Deletion[]): string[] {
  return deletions.map(({ name }) => name)
}
