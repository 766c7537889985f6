import { isNamedAfterProc } from '../wire/archive-name.ts'
import { type BackupInfo, isGood } from '../wire/backup.ts'
import { hasCapability } from '../wire/capabilities.ts'
import type { HiddenBackup, HiddenPage } from '../wire/hidden.ts'
import { PageGuard } from '../wire/page-guard.ts'
import { MAX_PAGE_SIZE } from '../wire/page-limits.ts'
import type { SnapshotInfo } from '../wire/snapshot.ts'
import { type Answer, isRefused, type Refused, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { askAbout, relistSoon } from './listing.ts'
import { refuseUnlessPermitted } from './permission.ts'
import { fullProcName } from './procs.ts'
import { seesApp, seesServer, type UserWorld } from './user-world.ts'
import type { World } from './world.ts'

// Backups that were deleted, and can be restored: the daemon hides them, so the catalog does not have them.

export interface DeletedQuestion {
  server: string
  app?: string | undefined
  after: string | null
  limit: number
}

/** One page of the deleted backups in the folder of a server that can be restored. It may be empty although more follow. */
export async function listDeleted(
  world: UserWorld,
  { server, app, ...page }: DeletedQuestion,
): Promise<Answer<HiddenPage>> {
  if (!seesServer(world, server)) return refuse('NOT_FOUND', `There is no server ${server}`)
  const refused = refuseWithoutUndo(world, server, 'keeps no deleted backups')
  if (refused) return refused
  const { hidden, next } = await askAbout(world, 'hidden', { namespace: server, ...page })
  const isSeen = ({ backup }: HiddenBackup) =>
    seesApp(world, backup.app) && (app === undefined || backup.app === app)
  return { hidden: hidden.filter(isSeen), next }
}

/** Finds a deleted backup by its name; undefined if it is not there, or is removed. */
export async function findDeleted(
  world: UserWorld,
  server: string,
  name: string,
): Promise<BackupInfo | undefined> {
  for (let after: string | null = null; ; ) {
    const answer: Answer<HiddenPage> = await listDeleted(world, { server, after, limit: MAX_PAGE_SIZE })
    if (isRefused(answer)) return undefined
    const found = answer.hidden.find(({ backup }) => backup.name === name)
    if (found || answer.next === null) return found?.backup
    after = answer.next
  }
}

/** The snapshots of an increment that were deleted, and are not removed yet. */
export async function findDeletedSnapshots(
  world: UserWorld,
  { server, name }: BackupInfo,
): Promise<SnapshotInfo[]> {
  const found: SnapshotInfo[] = []
  const guard = new PageGuard(server)
  for (let after: string | null = null; ; ) {
    const answer: Answer<HiddenPage> = await listDeleted(world, { server, after, limit: MAX_PAGE_SIZE })
    if (isRefused(answer)) return found
    guard.check(answer.hidden.length, answer.next)
    found.push(...answer.hidden.flatMap((one) => (one.backup.name === name ? toSnapshots(one) : [])))
    if (answer.next === null) return found
    after = answer.next
  }
}

function toSnapshots({ backup, snapshot: id }: HiddenBackup): SnapshotInfo[] {
  if (id === undefined) return []
  const { created, sequence, state, suspect, corrupt, size, files, rid, jobId } = backup
  const facts = { created, sequence, state, suspect, corrupt, size, files, rid, jobId }
  return [{ id, ...facts, good: isGood(backup), mirror: false, added: null }]
}

export interface RestoreRequest {
  app: string
  proc: string
  names: string[]
  server: string
  /** Only these of the one increment that is named; all that is deleted if left out. */
  snapshots?: string[] | undefined
}

/** Brings deleted backups back: all or none. Returns them. */
export function restoreDeleted(world: UserWorld, request: RestoreRequest): Promise<Answer<BackupInfo[]>> {
  const { app, proc, names, server: namespace, snapshots } = request
  return audited(
    world,
    { verb: 'restoreDeleted', facts: { app, proc, names, server: namespace, snapshots: snapshots ?? null } },
    {
      check: () => refuseRestore(world, request) ?? names,
      async act() {
        try {
          const wanted = { namespace, names, snapshots }
          const { backups } = await world.ports.daemon.ask(namespace, 'restoreHidden', wanted)
          await forgetRestored(world, request)
          return backups
        } finally {
          // Even if it failed, it may be done.
          const server = world.servers.get(namespace)
          if (server) relistSoon(world, server)
        }
      },
    },
  )
}

/** Its failure does not hide that they are restored: they count as deleted all the same. */
async function forgetRestored(world: World, { server, names, snapshots }: RestoreRequest): Promise<void> {
  try {
    await world.ports.deletes.forgetRestored(server, names, snapshots)
  } catch (error) {
    world.log.warn({ server, err: error }, 'What was restored still counts as deleted')
  }
}

function refuseRestore(
  world: UserWorld,
  { app, proc, names, server, snapshots }: RestoreRequest,
): Refused | undefined {
  if (!seesApp(world, app)) return refuse('NOT_FOUND', `There is no deleted backup of ${proc} of ${app}`)
  if (names.length === 0) return refuse('BAD_INPUT', 'No backup is named; nothing was restored')
  if (snapshots && (names.length > 1 || snapshots.length === 0))
    return refuse('BAD_INPUT', 'Name one backup and its snapshots; nothing was restored')
  const full = fullProcName(world, app, proc)
  const foreign = names.find((name) => !isNamedAfterProc(name, { app, proc: full }))
  const refused = refuseUnlessPermitted(world, 'delete', { app })
  if (refused) return refused
  if (foreign !== undefined)
    return refuse('FORBIDDEN', `"${foreign}" does not belong to ${full} of ${app}; nothing was restored`)
  return refuseWithoutUndo(world, server, 'keeps no deleted backups')
}

/** Only if that is known: a daemon that was not asked yet answers for itself. */
export function refuseWithoutUndo({ servers }: World, server: string, what: string): Refused | undefined {
  const debug = servers.get(server)?.debug
  if (!debug || hasCapability(debug, 'undo')) return undefined
  const message = `The daemon on ${server} is older than the controller, and ${what}: upgrade it`
  return refuse('DAEMON_REFUSED', message, { server })
}
