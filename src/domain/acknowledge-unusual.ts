import type { BackupInfo } from '../wire/backup.ts'
import { hasCapability } from '../wire/capabilities.ts'
import { type Answer, isRefused, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { type BackupName, locateBackup } from './backups.ts'
import { relistSoon } from './listing.ts'
import { refuseUnlessPermitted } from './permission.ts'
import type { UserWorld } from './user-world.ts'

/**
 * Releases the backups of a volume, of the mode of the named one, that are kept because a run after them was unusual. The
 * daemon in whose namespace they lie does it. Returns those that were kept.
 */
export function acknowledgeUnusual(world: UserWorld, name: BackupName): Promise<Answer<BackupInfo[]>> {
  const facts = { ...name, server: name.server ?? null }
  return audited(world, { verb: 'acknowledgeUnusual', facts }, async () => {
    const backup = await locateBackup(world, name)
    if (isRefused(backup)) return backup
    const refusal = refuseUnlessPermitted(world, 'acknowledge', backup)
    if (refusal) return refusal
    const { server: namespace } = backup
    const server = world.servers.get(namespace)
    if (server?.debug && !hasCapability(server.debug, 'holds')) return refuseOlder(namespace)
    const asked = { namespace, name: backup.name }
    try {
      return (await world.ports.daemon.ask(namespace, 'acknowledgeUnusual', asked)).backups
    } finally {
      // Even if it failed, some may be released.
      if (server) relistSoon(world, server)
    }
  })
}

function refuseOlder(server: string): Answer<never> {
  const message = `The daemon on ${server} is older than the controller, and keeps nothing because of an unusual backup: upgrade it`
  return refuse('DAEMON_REFUSED', message, { server })
}
