import type { RunRecord } from '../wire/record.ts'
import { VERIFY_ACTION } from '../wire/verification.ts'
import { type Answer, isRefused } from './answer.ts'
import { audited } from './audit.ts'
import { type BackupName, locateBackup } from './backups.ts'
import { startRun } from './runs.ts'
import type { World } from './world.ts'

/**
 * Starts a run that reads the whole backup and compares it with its checksums. The daemon in whose namespace the backup
 * lies does it, because only that daemon can note what it found.
 */
export function verifyBackup(world: World, who: string, name: BackupName): Promise<Answer<RunRecord>> {
  const facts = { ...name, server: name.server ?? null }
  return audited(world, { who, verb: 'verifyBackup', facts }, async () => {
    const found = await locateBackup(world, name)
    if (isRefused(found)) return found
    const { server, app, proc, name: backup } = found
    const args = { app, proc, backup, namespace: server }
    const draft = { server, jobId: '', spec: '', action: VERIFY_ACTION, args }
    return await startRun(world, draft, (rid) => world.ports.daemon.verify(server, { rid, ...args }))
  })
}
