import { findArchiveOfBackup } from '../wire/archive-name.ts'
import type { BackupInfo } from '../wire/backup.ts'
import type { RunRecord } from '../wire/record.ts'
import { checkRecoverDirectory } from '../wire/recover-directory.ts'
import { type Answer, isRefused, type Refused, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { refuseUnlessPermitted } from './permission.ts'
import { findVolumeByArchive } from './plan.ts'
import { listRecoverFacts, locateRecoverable, type RecoverOptions, startRecover } from './recover.ts'
import { seesApp, seesServer, type UserWorld } from './user-world.ts'

export interface ElsewhereOptions extends RecoverOptions {
  /** A new folder under the daemon's --recover-dir. */
  toDirectory: string
}

/** How much of a path the audit keeps: more than a path that is accepted has. */
const MAX_NAMED = 2000

/**
 * Restores a backup into a new folder on its own server or on another one, and touches no volume. The backup's volume
 * need not be in the inventory any more.
 */
export function recoverElsewhere(world: UserWorld, options: ElsewhereOptions): Promise<Answer<RunRecord>> {
  const { toDirectory, toServer } = options
  const named = { toDirectory: toDirectory.slice(0, MAX_NAMED), toServer: toServer ?? null }
  const facts = { ...listRecoverFacts(options), ...named }
  return audited(
    world,
    { verb: 'recover', facts },
    {
      async check() {
        const path = checkRecoverDirectory(toDirectory)
        const backup = await locateRecoverable(world, options, 'recover')
        if (isRefused(backup)) return backup
        const server = toServer ?? backup.server
        const refusal =
          refuseForeignVolume(world, backup) ??
          refuseVolumeOptions(options) ??
          refuseUnknown(world, backup, server)
        return refusal ?? { backup, server, path, elsewhere: true }
      },
      act: (target) => startRecover(world, options, target),
    },
  )
}

/** The app in the manifest need not be the app of the volume that the backup is named after: both must allow it. */
function refuseForeignVolume(world: UserWorld, { server, name }: BackupInfo): Refused | undefined {
  const home = findVolumeByArchive(world.inventory.plan, server, findArchiveOfBackup(name))
  if (!home) return undefined
  if (!seesApp(world, home.app))
    return refuse('NOT_FOUND', `There is no backup "${name}" on ${server}`, { name, server })
  return refuseUnlessPermitted(world, 'recover', home)
}

function refuseVolumeOptions({
  plan,
  planHash,
  onRefusedRename,
  keepOldMs,
}: RecoverOptions): Refused | undefined {
  const isOfVolume = plan || planHash !== undefined || keepOldMs !== undefined
  if (!isOfVolume && onRefusedRename !== 'in-place') return undefined
  const what = 'A recover into a new folder touches no volume'
  return refuse(
    'BAD_INPUT',
    `${what}: leave out "toDirectory", or "plan", "planHash", "keepOld" and "onRefusedRename"`,
    {},
  )
}

/** Another server than that of the backup must also have volumes of an app that the caller may see. */
function refuseUnknown(world: UserWorld, backup: BackupInfo, server: string): Refused | undefined {
  const isSeen = server === backup.server || seesServer(world, server)
  if (world.servers.has(server) && isSeen) return undefined
  const what = `The server ${JSON.stringify(server.slice(0, 100))} is not in the inventory`
  return refuse('NOT_FOUND', `${what}: name another one in "toServer"`, { server })
}
