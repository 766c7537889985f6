import { DRILL_ACTION } from '../../wire/drill.ts'
import { VERIFY_ACTION } from '../../wire/verification.ts'
import type { DaemonAnswer, DaemonCall, DaemonParts } from '../http/route.ts'
import { readBackupName, readNamespace } from './names.ts'
import { checkReady, readRid } from './run-request.ts'

/** Starts a run that reads a backup, of any namespace, and compares it with its checksums. */
export function handleVerify(call: DaemonCall, world: DaemonParts): Promise<DaemonAnswer> {
  return startProof(VERIFY_ACTION, call, world)
}

/** Starts a run that restores a backup, of any namespace, into a scratch folder, and compares it. */
export function handleDrill(call: DaemonCall, world: DaemonParts): Promise<DaemonAnswer> {
  return startProof(DRILL_ACTION, call, world)
}

async function startProof(
  action: string,
  { params, fields }: DaemonCall,
  world: DaemonParts,
): Promise<DaemonAnswer> {
  const args = {
    app: fields.text('app'),
    proc: fields.text('proc'),
    backup: readBackupName(params.name ?? ''),
    namespace: readNamespace(fields, world.ip),
  }
  checkReady(world)
  const { rid } = await world.engine.runOnce(action, args, readRid(fields))
  return { status: 202, body: { rid } }
}
