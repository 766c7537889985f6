import {
  type InUse,
  LegacyMigrateDocument,
  LegacyRecoverDocument,
} from '../../client/generated/operations.ts'
import { BackupdError } from '../../lib/errors.ts'
import { isFullBackupName } from '../../wire/archive-name.ts'
import type { RequestFields } from '../../wire/request-fields.ts'
import { type RestCall, type RestRoute, row } from '../row.ts'

const recover = (path: string) =>
  row({
    method: 'POST',
    path,
    document: LegacyRecoverDocument,
    ask: (call) => ({ input: readRecoverInput(call) }),
    answer: ([
      {
        recover: { rid },
      },
    ]) => ({ status: 200, body: rid }),
  })

const migrate = (path: string) =>
  row({
    method: 'POST',
    path,
    document: LegacyMigrateDocument,
    ask(call) {
      const { fields } = call
      const volume = fields.needed('volume', 'the volume to recover into, such as /data/db')
      fields.needed('to', 'the number of the instance to recover into')
      // Like the legacy system, these routes require no confirmation of the volume's name.
      return {
        input: { ...readRecoverInput(call), volume, confirmVolume: volume, to: fields.whole('to') ?? 0 },
      }
    },
    answer: ([
      {
        migrate: { rid },
      },
    ]) => ({ status: 200, body: rid }),
  })

const V1 = '/api/v1/backup'
const V2 = '/api/v2/app/:app/proc/:proc/backups/:name/actions'

export const RECOVER_ROWS: readonly RestRoute[] = [
  recover(`${V1}/recover/app/:app/proc/:proc/file/:file`),
  recover(`${V1}/recover/increment/app/:app/proc/:proc/dir/:dir`),
  migrate(`${V1}/migrate/app/:app/proc/:proc/file/:file`),
  migrate(`${V1}/migrate/increment/app/:app/proc/:proc/dir/:dir`),
  recover(`${V2}/recover`),
  migrate(`${V2}/migrate`),
]

/** Without files, a full backup is recovered completely; for an increment, files must be named. */
function readRecoverInput({ params, fields }: RestCall) {
  refusePlan(fields)
  refuseInPlace(fields)
  const { app = '', proc = '', file, dir, name } = params
  const backup = file ?? dir ?? name ?? ''
  const files = fields.list('files').filter(Boolean)
  const isFull = dir === undefined && isFullBackupName(backup)
  if (!isFull && files.length === 0) throw noFiles(backup)
  return {
    app,
    proc,
    backup,
    server: fields.text('server') || null,
    snapshot: fields.optional('snapshot') ?? null,
    files: files.length > 0 ? files : null,
    inUse: readInUse(fields),
  }
}

/** Refuses the fields `plan` and `planHash`: who sends one wants nothing overwritten, or only what is planned. */
function refusePlan(fields: RequestFields): void {
  const isPlan = !['', 'false'].includes(fields.text('plan'))
  if (!isPlan && fields.text('planHash') === '') return
  const message = `The field "${isPlan ? 'plan' : 'planHash'}" is not supported here: use recover or migrate of /graphql`
  throw new BackupdError('BAD_INPUT', `${message}; nothing was recovered`)
}

/** Refuses the field `onRefusedRename` and names the API that supports it. */
function refuseInPlace(fields: RequestFields): void {
  if (['', 'refuse'].includes(fields.text('onRefusedRename'))) return
  const message = 'The field "onRefusedRename" is not supported here: use recover or migrate of /graphql'
  throw new BackupdError('BAD_INPUT', `${message}; nothing was recovered`)
}

/** Defaults to `proceed`, like the legacy system; the record then carries a warning. */
function readInUse(fields: RequestFields): InUse {
  const text = fields.text('inUse')
  if (text === '' || text === 'proceed') return 'PROCEED'
  if (text === 'refuse') return 'REFUSE'
  throw new BackupdError('BAD_INPUT', '"inUse" is neither refuse nor proceed')
}

function noFiles(backup: string): BackupdError {
  const message = `The increment "${backup}" needs "files": name files and directories of it, or send * for all`
  return new BackupdError('BAD_INPUT', message)
}
