import { DRILL_ACTION } from '../../wire/drill.ts'
import type { DaemonAnswer, DaemonCall, DaemonParts } from '../http/route.ts'
import { readBackupName, readNamespace } from './names.ts'
import { checkReady, readRid } from './run-request.ts'

/** Starts a run that restores a backup, of any namespace, into a scratch folder, and compares it. */
export async function handleDrill({ params, fields }: DaemonCall, world: DaemonParts): Promise<DaemonAnswer> {
  const args = {
    app: fields.text('app'),
    proc: fields.text('proc'),
    backup: readBackupName(params.name ?? ''),
    namespace: readNamespace(fields, world.ip),
  }
  checkReady(world)
  const { rid } = await world.engine.runOnce(DRILL_ACTION, args, readRid(fields))
  return { status: 202, body: { rid } }
}
