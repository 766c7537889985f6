import type { RunRecord } from '../wire/record.ts'
import { VERIFY_ACTION } from '../wire/verification.ts'
import { type Answer, isRefused } from './answer.ts'
import { audited } from './audit.ts'
import { type BackupName, locateBackup } from './backups.ts'
import { refuseUnlessPermitted } from './permission.ts'
import { startRun } from './runs.ts'
import type { UserWorld } from './user-world.ts'

/**
 * Starts a run that reads the whole backup and compares it with its checksums. The daemon in whose namespace the backup
 * lies does it, because only that daemon can note what it found.
 */
export function verifyBackup(world: UserWorld, name: BackupName): Promise<Answer<RunRecord>> {
  const facts = { ...name, server: name.server ?? null }
  return audited(world, { verb: 'verifyBackup', facts }, async () => {
    const found = await locateBackup(world, name)
    if (isRefused(found)) return found
    const refusal = refuseUnlessPermitted(world, 'verify', found)
    if (refusal) return refusal
    const { server, app, proc, name: backup } = found
    const args = { app, proc, backup, namespace: server }
    const draft = { server, jobId: '', spec: '', action: VERIFY_ACTION, args }
    return await startRun(world, draft, (rid) => world.ports.daemon.verify(server, { rid, ...args }))
  })
}
