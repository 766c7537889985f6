import {
  LegacyBackupDocument,
  LegacyBackupsDocument,
  type LegacyBackupsQuery,
  LegacyDeleteDocument,
  LegacyFilesDocument,
} from '../../client/generated/operations.ts'
import { BackupdError } from '../../lib/errors.ts'
import { MAX_FILES } from '../../wire/daemon-api.ts'
import { describeMissingBackup } from '../../wire/missing-texts.ts'
import { isProcNamed } from '../../wire/proc-names.ts'
import type { RequestFields } from '../../wire/request-fields.ts'
import { jsonList } from '../json-elements.ts'
import { sortInLegacyOrder, toLegacyBackup, toLegacyFile } from '../legacy/backup.ts'
import { makeListReply } from '../legacy/warning.ts'
import type { RestRefusal } from '../refusal.ts'
import { type RestCall, type RestRoute, row } from '../row.ts'

/** Field `volume` (repeatable); without it, all volumes of the proc. */
const backupsOfProc = (path: string) =>
  row({
    method: 'GET',
    path,
    document: LegacyBackupsDocument,
    ask: (call) => backupsAfter(call, null),
    /** Checks whether the proc exists only if it has no backups. */
    more(pages, call) {
      const { pageInfo, nodes } = (pages.at(-1) ?? pages[0]).backups
      if (nodes.length === 0 && pages.length === 1) return { ...backupsAfter(call, null), withProcs: true }
      return pageInfo.hasNextPage ? backupsAfter(call, pageInfo.endCursor) : undefined
    },
    answer(pages, call) {
      const [first] = pages
      const backups = pages.flatMap((page) => page.backups.nodes)
      if (backups.length === 0) checkProc(pages.at(-1) ?? first, call)
      return makeListReply(jsonList(sortInLegacyOrder(backups), toLegacyBackup), silentAmong(backups, first))
    },
  })

const filesOfBackup = (path: string) =>
  row({
    method: 'GET',
    path,
    document: LegacyFilesDocument,
    ask: (call) => ({ ...readBackupName(call), path: readInsidePath(call), first: MAX_FILES }),
    answer([{ backup }], call) {
      if (!backup) throw noBackup(call, readStar(call))
      if (backup.files.pageInfo.hasNextPage) throw tooManyFiles(readStar(call))
      return { status: 200, body: jsonList(backup.files.nodes, toLegacyFile) }
    },
    refused: { statuses: { TOO_COSTLY: 400 } },
  })

const BACKUPS = '/api/v2/app/:app/proc/:proc/backups'

export const BACKUP_ROWS: readonly RestRoute[] = [
  backupsOfProc('/api/v1/backup/json/app/:app/proc/:proc'),
  filesOfBackup('/api/v1/backup/filelist/app/:app/proc/:proc/dir/*'),
  backupsOfProc(BACKUPS),
  filesOfBackup(`${BACKUPS}/*?open=true`),
  row({
    method: 'GET',
    path: `${BACKUPS}/*`,
    document: LegacyBackupDocument,
    ask: (call) => ({ ...readBackupName(call), name: readStar(call) }),
    answer([{ backup }], call) {
      if (!backup) throw noBackup(call, readStar(call))
      return { status: 200, body: toLegacyBackup(backup) }
    },
  }),
  row({
    method: 'POST',
    path: `${BACKUPS}/actions/delete`,
    document: LegacyDeleteDocument,
    ask: ({ params, fields }) => ({
      app: params.app ?? '',
      proc: params.proc ?? '',
      names: namesIn(fields),
    }),
    answer: () => ({ status: 204, body: '' }),
    refused: { statuses: { NOT_FOUND: 400, FORBIDDEN: 400 }, words: describeNoPermission },
  }),
]

/** Throws BAD_INPUT if the request names no files, because its sender wanted something deleted. */
function namesIn(fields: RequestFields): string[] {
  const names = fields.list('files').filter(Boolean)
  if (names.length > 0) return names
  const sent = fields.names.slice(0, 5).map((name) => JSON.stringify(name.slice(0, 100)))
  const found = sent.length > 0 ? `it has ${sent.join(', ')}` : 'it has none'
  throw new BackupdError(
    'BAD_INPUT',
    `the request names no backup in the field "files" (${found}): send files=NAME, many`,
  )
}

/** Silent servers on which the app has volumes, or had some whose backups are still listed. */
function silentAmong(backups: readonly { id: string }[], { silent, silentAnywhere }: LegacyBackupsQuery) {
  const owners = new Set([...silent.map(({ ip }) => ip), ...backups.map(({ id }) => readServer(id))])
  return silentAnywhere.filter(({ ip }) => owners.has(ip))
}

/** A backup's id is `<ip>/<name>`. */
function readServer(id: string): string {
  return id.slice(0, id.indexOf('/'))
}

function backupsAfter({ params, fields }: RestCall, after: string | null) {
  const { app = '', proc = '' } = params
  const volumes = fields.list('volume').filter(Boolean)
  const filter = { app, proc, volumes: volumes.length > 0 ? volumes : null }
  return { app, filter, after, withProcs: false }
}

/** `NAME`, or `NAME/path/inside`. */
function readBackupName(call: RestCall) {
  const { app = '', proc = '' } = call.params
  const [name = ''] = readStar(call).split('/')
  return { app, proc, name, server: call.fields.text('server') || null }
}

function readInsidePath(call: RestCall): string {
  return readStar(call).split('/').slice(1).filter(Boolean).join('/')
}

function readStar({ params }: RestCall): string {
  return params['*'] ?? ''
}

function noBackup({ params }: RestCall, name: string): BackupdError {
  const { app = '', proc = '' } = params
  return new BackupdError('NOT_FOUND', describeMissingBackup({ app, proc, name }))
}

function tooManyFiles(path: string): BackupdError {
  const message = `"${path}" holds more than ${MAX_FILES} names, too many for one list: GraphQL lists them by pages`
  return new BackupdError('TOO_COSTLY', message)
}

function checkProc({ app }: LegacyBackupsQuery, { params }: RestCall): void {
  const { proc } = params
  if (app?.procs.some(({ name }) => isProcNamed(name, proc ?? ''))) return
  throw new BackupdError(
    'NOT_FOUND',
    `The inventory has no proc ${proc} of ${params.app}, and no backup of it`,
  )
}

/** The legacy system says "No permission" also for a missing backup, which would mislead. */
function describeNoPermission({ code, facts }: RestRefusal): string {
  const refused = code === 'FORBIDDEN' || code === 'BAD_INPUT'
  return refused && 'name' in facts ? `No permission to delete ${facts.name}` : 'Not deleted'
}
