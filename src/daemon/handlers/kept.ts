import { DROP_KEPT_ACTION, UNDO_ACTION, UNDO_PLAN_ACTION } from '../../wire/kept-old.ts'
import type { DaemonAnswer, DaemonCall, DaemonParts } from '../http/route.ts'
import { readKeepOld } from './keep-old-field.ts'
import { readInUse, readPlanHash, readSentHooks } from './recover.ts'
import { checkReady, readFlag, readRid } from './run-request.ts'

/** Starts a run that puts back what the recover `kept` replaced; with `plan=true`, one that shows what this would do. */
export async function handleKeptUndo({ fields }: DaemonCall, world: DaemonParts): Promise<DaemonAnswer> {
  const plan = readFlag(fields, 'plan')
  const args = {
    app: fields.text('app'),
    proc: fields.text('proc'),
    destDir: fields.text('destDir'),
    kept: fields.text('kept'),
    inUse: readInUse(fields.text('inUse')),
    ...readKeepOld(fields.optional('keepOld')),
    ...(plan ? { plan } : {}),
    ...readPlanHash(fields.optional('planHash')),
    ...readSentHooks(fields.optional('hooks')),
  }
  checkReady(world)
  const { rid } = await world.engine.runOnce(plan ? UNDO_PLAN_ACTION : UNDO_ACTION, args, readRid(fields))
  return { status: 202, body: { rid } }
}

/** Starts a run that removes what the recover `kept` replaced. */
export async function handleKeptDrop({ fields }: DaemonCall, world: DaemonParts): Promise<DaemonAnswer> {
  const [app, proc] = [fields.text('app'), fields.text('proc')]
  const args = { app, proc, destDir: fields.text('destDir'), kept: fields.text('kept') }
  checkReady(world)
  const { rid } = await world.engine.runOnce(DROP_KEPT_ACTION, args, readRid(fields))
  return { status: 202, body: { rid } }
}
