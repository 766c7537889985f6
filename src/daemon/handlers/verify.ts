import { DRILL_ACTION } from '../../wire/drill.ts'
import { VERIFY_ACTION } from '../../wire/verification.ts'
import type { DaemonAnswer, DaemonCall, DaemonParts } from '../http/route.ts'
import { readBackupName, readNamespace } from './names.ts'
import { checkReady, readRid } from './run-request.ts'

/** Starts a run that reads a backup, of any namespace, and compares it with its checksums. */
export function handleVerify(call: DaemonCall, world: DaemonParts): Promise<DaemonAnswer> {
  return startProof(call, world, { action: VERIFY_ACTION })
}

/** Starts a run that restores a backup, of any namespace, into a scratch folder, and compares it. */
export function handleDrill(call: DaemonCall, world: DaemonParts): Promise<DaemonAnswer> {
  return startProof(call, world, { action: DRILL_ACTION, args: { snapshot: call.fields.text('snapshot') } })
}

async function startProof(
  { params, fields }: DaemonCall,
  world: DaemonParts,
  { action, args: more = {} }: { action: string; args?: Record<string, string> },
): Promise<DaemonAnswer> {
  const args = {
    ...more,
    app: fields.text('app'),
    proc: fields.text('proc'),
    backup: readBackupName(params.name ?? ''),
    namespace: readNamespace(fields, world.ip),
  }
  checkReady(world)
  const { rid } = await world.engine.runOnce(action, args, readRid(fields))
  return { status: 202, body: { rid } }
}
