import { DRILL_ACTION } from '../wire/drill.ts'
import type { RunRecord } from '../wire/record.ts'
import type { Answer } from './answer.ts'
import { audited } from './audit.ts'
import { type BackupName, locatePermitted } from './backups.ts'
import { startRun } from './runs.ts'
import type { UserWorld } from './user-world.ts'

/**
 * Starts a run that restores the whole backup, or a snapshot of an increment, into a scratch folder and compares it with its index
 * or tree. Who may verify it may do this. The daemon in whose namespace the backup lies does it, because only that daemon can
 * note what it found.
 * @param snapshot the id or its beginning; empty for the newest one that is not suspect
 */
export function drillBackup(
  world: UserWorld,
  name: BackupName,
  snapshot: string,
): Promise<Answer<RunRecord>> {
  const facts = { ...name, server: name.server ?? null, ...(snapshot !== '' && { snapshot }) }
  return audited(
    world,
    { verb: 'drillBackup', facts },
    {
      check: () => locatePermitted(world, name, 'verify'),
      act({ server, app, proc, name: backup }) {
        const args = { app, proc, backup, namespace: server, snapshot }
        const draft = { server, jobId: '', spec: '', action: DRILL_ACTION, args }
        return startRun(world, draft, (rid) => world.ports.daemon.drill(server, { rid, ...args }))
      },
    },
  )
}
