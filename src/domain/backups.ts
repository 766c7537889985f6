import type { BackupInfo } from '../wire/backup.ts'
import { type BackupFilter, capCount, type ListCount, type Page, type Slice } from '../wire/listing.ts'
import { describeMissingBackup } from '../wire/missing-texts.ts'
import { isProcNamed } from '../wire/proc-names.ts'
import type { QuestionAnswer, QuestionArgs } from '../wire/questions.ts'
import type { AccessAction } from './access/roles.ts'
import { type Answer, isRefused, refuse } from './answer.ts'
import { askAbout } from './listing.ts'
import { NO_ITEMS, narrowToScope } from './narrow-to-scope.ts'
import { refuseUnlessPermitted } from './permission.ts'
import { findVolumeByPath, type PlannedVolume } from './plan.ts'
import type { UserWorld } from './user-world.ts'
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
): Promise<QuestionAnswer<'files'>> {
  const request = { namespace: backup.server, name: backup.name, ...page }
  return askAbout(world, 'files', request)
}
