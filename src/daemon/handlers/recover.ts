import { BackupdError, messageOf } from '../../lib/errors.ts'
import { isFullBackupName } from '../../wire/archive-name.ts'
import { type SentHooks, sentHooksSchema } from '../../wire/hook-options.ts'
import { chooseRecoverAction } from '../../wire/job.ts'
import { parseJson, parseShape } from '../../wire/json.ts'
import { signersSchema } from '../../wire/manifest-signature.ts'
import { planHashSchema } from '../../wire/plan-hash.ts'
import type { DaemonAnswer, DaemonCall, DaemonParts } from '../http/route.ts'
import { readKeepOld } from './keep-old-field.ts'
import { readBackupName, readNamespace } from './names.ts'
import { checkReady, readFlag, readRid } from './run-request.ts'

/** Recovers a full backup: everything, or with the field `files` only these. */
export function handleRecoverFile(call: DaemonCall, world: DaemonParts): Promise<DaemonAnswer> {
  const files = call.fields.list('files')
  const backup = readBackupName(call.params.file ?? '')
  if (!isFullBackupName(backup)) throw noFullBackup(backup)
  return startRecover(call, world, { backup, files: files.length > 0 ? files : null })
}

/**
 * Recovers `files` (repeatable, `*`: all) of an increment in place. `whole=true` replaces the whole content instead.
 */
export function handleRecoverFolder(call: DaemonCall, world: DaemonParts): Promise<DaemonAnswer> {
  const files = call.fields.list('files')
  const whole = call.fields.text('whole') === 'true'
  if (whole === files.length > 0) {
    throw new BackupdError(
      'BAD_INPUT',
      'Cannot recover an increment without the field "files". Send the names of files, or * for all',
    )
  }
  return startRecover(call, world, {
    backup: readBackupName(call.params.dir ?? ''),
    files: whole ? null : files,
  })
}

function noFullBackup(name: string): BackupdError {
  const route = `POST /api/v1/backup/increment/recover/dir/${name}`
  return new BackupdError(
    'BAD_INPUT',
    `"${name}" is not a full backup, expected a name that ends in .tar.gz. Ask ${route} with the field "files"`,
  )
}

async function startRecover(
  { fields }: DaemonCall,
  world: DaemonParts,
  what: { backup: string; files: string[] | null },
): Promise<DaemonAnswer> {
  const snapshot = fields.optional('snapshot')
  const args = {
    ...what,
    app: fields.text('app'),
    proc: fields.text('proc'),
    destDir: fields.text('destDir'),
    namespace: readNamespace(fields, world.ip),
    inUse: readInUse(fields.text('inUse')),
    ...(snapshot !== undefined && { snapshot }),
    ...readOnRefusedRename(fields.text('onRefusedRename')),
    ...(readFlag(fields, 'plan') ? { plan: true } : {}),
    ...readPlanHash(fields.optional('planHash')),
    ...readKeepOld(fields.optional('keepOld')),
    ...(readFlag(fields, 'acceptUnsigned') ? { acceptUnsigned: true } : {}),
    ...readSentHooks(fields.optional('hooks')),
  }
  checkReady(world)
  await noteSentSigners(fields.optional('signers'), world, 'acceptUnsigned' in args)
  const action = chooseRecoverAction({ plan: 'plan' in args, elsewhere: readFlag(fields, 'elsewhere') })
  const { rid } = await world.engine.runOnce(action, args, readRid(fields))
  return { status: 202, body: { rid } }
}

/** A daemon that is not enrolled does not know who asks. `isAccepted`: whatever the signature, so that need not be on disk. */
async function noteSentSigners(
  text: string | undefined,
  { certificate, log }: DaemonParts,
  isAccepted: boolean,
): Promise<void> {
  if (text === undefined || !certificate) return
  const signers = parseJson('The field "signers"', text, signersSchema)
  try {
    await certificate.noteSigners(signers)
  } catch (cause) {
    if (isAccepted) {
      log.warn({ err: cause }, `It could not be noted whose signatures count: ${messageOf(cause)}`)
      return
    }
    if (cause instanceof BackupdError) throw cause
    const message = `Cannot note on disk whose signatures count, which the controller has sent: ${messageOf(cause)}. Make room in the data directory of this daemon`
    throw new BackupdError('NO_ROOM', message, { cause })
  }
}

export function readPlanHash(text: string | undefined): { planHash?: string } {
  return text === undefined ? {} : { planHash: parseShape('The field "planHash"', text, planHashSchema) }
}

export function readSentHooks(text: string | undefined): { hooks?: SentHooks } {
  return text === undefined ? {} : { hooks: parseJson('The field "hooks"', text, sentHooksSchema) }
}

/** Defaults to `proceed`, like the legacy daemon; the record then carries a warning. */
export function readInUse(text: string): 'refuse' | 'proceed' {
  if (text === '' || text === 'proceed') return 'proceed'
  if (text === 'refuse') return 'refuse'
  throw new BackupdError('BAD_INPUT', `"inUse" is "${text}", expected refuse or proceed`)
}

function readOnRefusedRename(text: string): { onRefusedRename?: 'in-place' } {
  if (text === '' || text === 'refuse') return {}
  if (text === 'in-place') return { onRefusedRename: text }
  throw new BackupdError('BAD_INPUT', `"onRefusedRename" is "${text}", expected refuse or in-place`)
}
