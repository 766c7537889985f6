import type { BackupInfo } from '../wire/backup.ts'
import { hasCapability } from '../wire/capabilities.ts'
import { type Answer, isRefused, type Refused, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { type BackupName, locatePermitted } from './backups.ts'
import { relistSoon } from './listing.ts'
import type { UserWorld } from './user-world.ts'
import type { World } from './world.ts'

/**
 * Releases the backups of a volume, of the mode of the named one, that are kept because a run after them was unusual. The
 * daemon in whose namespace they lie does it. Returns those that were kept.
 */
export function acknowledgeUnusual(world: UserWorld, name: BackupName): Promise<Answer<BackupInfo[]>> {
  const facts = { ...name, server: name.server ?? null }
  return audited(
    world,
    { verb: 'acknowledgeUnusual', facts },
    {
      async check() {
        const backup = await locatePermitted(world, name, 'acknowledge')
        if (isRefused(backup)) return backup
        return refuseOlder(world, backup.server) ?? backup
      },
      act: (backup) => release(world, backup),
    },
  )
}

async function release(world: World, { server: namespace, name }: BackupInfo): Promise<BackupInfo[]> {
  try {
    return (await world.ports.daemon.ask(namespace, 'acknowledgeUnusual', { namespace, name })).backups
  } finally {
    // Even if it failed, some may be released.
    const server = world.servers.get(namespace)
    if (server) relistSoon(world, server)
  }
}

function refuseOlder({ servers }: World, server: string): Refused | undefined {
  const debug = servers.get(server)?.debug
  if (!debug || hasCapability(debug, 'holds')) return undefined
  const message = `The daemon on ${server} is older than the controller, and keeps nothing because of an unusual backup: upgrade it`
  return refuse('DAEMON_REFUSED', message, { server })
}
