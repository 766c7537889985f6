import type { RunRecord } from '../wire/record.ts'
import { VERIFY_ACTION } from '../wire/verification.ts'
import type { Answer } from './answer.ts'
import { audited } from './audit.ts'
import { type BackupName, locatePermitted } from './backups.ts'
import { startRun } from './runs.ts'
import type { UserWorld } from './user-world.ts'

/**
 * Starts a run that reads the whole backup and compares it with its checksums. The daemon in whose namespace the backup
 * lies does it, because only that daemon can note what it found.
 */
export function verifyBackup(world: UserWorld, name: BackupName): Promise<Answer<RunRecord>> {
  const facts = { ...name, server: name.server ?? null }
  return audited(
    world,
    { verb: 'verifyBackup', facts },
    {
      check: () => locatePermitted(world, name, 'verify'),
      act({ server, app, proc, name: backup }) {
        const args = { app, proc, backup, namespace: server }
        const draft = { server, jobId: '', spec: '', action: VERIFY_ACTION, args }
        return startRun(world, draft, (rid) => world.ports.daemon.verify(server, { rid, ...args }))
      },
    },
  )
}
