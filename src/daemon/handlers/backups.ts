import { BackupdError, hasCode, type Json } from '../../lib/errors.ts'
import { goTime } from '../../lib/go-time.ts'
import { type BackupEntity, type BackupInfo, backupInfoSchema, type FileInfo } from '../../wire/backup.ts'
import { type BackupPage, backupPageSchema, type FilePage, MAX_FILES } from '../../wire/daemon-api.ts'
import { parseShape } from '../../wire/json.ts'
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../../wire/page-limits.ts'
import { QUESTIONS, type QuestionArgs } from '../../wire/questions.ts'
import type { DaemonAnswer, DaemonCall, DaemonParts } from '../http/route.ts'
import { checkOwnNamespace, readBackupName, readBackupPath, readNamespace } from './names.ts'
import { checkReady } from './run-request.ts'

/**
 * `?protocol=2&namespace=IP&after=NAME&limit=N` answers one page. The legacy query `?dir=PATH&dir=PATH` answers one
 * list in the order of the paths, null if it is empty.
 */
export async function handleBackupList(call: DaemonCall, world: DaemonParts): Promise<DaemonAnswer> {
  const { fields } = call
  const namespace = readNamespace(fields, world.ip)
  const sources = fields.list('dir').filter((dir) => dir !== '')
  if (fields.text('protocol') !== '2') return await listEntities({ call, namespace, sources }, world)
  const [source] = sources
  const wanted = source === undefined ? { namespace } : { namespace, source }
  const limit = fields.count('limit', DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
  return { status: 200, body: await askPage(world, { ...wanted, limit }, fields.text('after')) }
}

interface Listing {
  call: DaemonCall
  namespace: string
  sources: string[]
}

/** Lists all sources in one answer, because the legacy controller asks for all volumes of an app together. */
async function listEntities(
  { call, namespace, sources }: Listing,
  world: DaemonParts,
): Promise<DaemonAnswer> {
  const questions = sources.length === 0 ? [{ namespace }] : sources.map((source) => ({ namespace, source }))
  const entities: BackupEntity[] = []
  for (const question of questions) {
    for (let after: string | null = ''; after !== null; ) {
      call.late.throwIfAborted()
      const page: BackupPage = await askPage(world, { ...question, limit: MAX_PAGE_SIZE }, after)
      entities.push(...page.backups.map(toEntity))
      after = page.next
    }
  }
  return { status: 200, body: entities.length > 0 ? entities : null }
}

async function askPage(
  world: DaemonParts,
  wanted: Record<string, unknown>,
  after: string,
): Promise<BackupPage> {
  const answer = await world.engine.ask('backup_list', after === '' ? wanted : { ...wanted, after })
  return parseShape('The list of backups', answer, backupPageSchema)
}

function toEntity(backup: BackupInfo): BackupEntity {
  const { mode, source, volume, name, server, size, created, containers, instanceNo } = backup
  return { mode, source, volume, name, server, size, created: goTime(created), containers, instanceNo }
}

export async function handleBackupInfo(
  { params, fields }: DaemonCall,
  world: DaemonParts,
): Promise<DaemonAnswer> {
  const name = readBackupName(params.file ?? '')
  const namespace = readNamespace(fields, world.ip)
  const answer = await withLegacyText(`backup named ${name} not found`, () =>
    world.engine.ask('backup_info', { namespace, name }),
  )
  return { status: 200, body: toEntity(parseShape('The backup', answer, backupInfoSchema)) }
}

/**
 * The legacy list of a folder: names, sizes, times and which are directories. Read as one page, because each page would
 * read the folder from the start again, and perhaps from a newer snapshot.
 */
export async function handleFolderList(
  { params, fields }: DaemonCall,
  world: DaemonParts,
): Promise<DaemonAnswer> {
  const { name, inside } = readBackupPath(params['*'] ?? '')
  const question = {
    namespace: readNamespace(fields, world.ip),
    name,
    path: inside,
    limit: MAX_FILES,
    after: '',
  }
  const { files, next } = await withLegacyText(`open ${name}: no such file or directory`, () =>
    askFiles(world, question),
  )
  if (next === null) return { status: 200, body: files.map(toFolderEntry) }
  const message = `Cannot list "${name}/${inside}": it has more than ${MAX_FILES} names, too many for one list. GET /api/v1/backup/files/NAME lists them in pages`
  throw new BackupdError('TOO_COSTLY', message)
}

function toFolderEntry(file: FileInfo): Json {
  const name = file.path.slice(file.path.lastIndexOf('/') + 1)
  return { name, size: file.size, mod_time: goTime(file.modified), dir: file.type === 'directory' }
}

async function askFiles(world: DaemonParts, args: QuestionArgs<'files'>): Promise<FilePage> {
  const { action, answer } = QUESTIONS.files
  return parseShape('The list of files', await world.engine.ask(action, args), answer)
}

/** Puts the text of the legacy daemon in front of NOT_FOUND, for scripts that search for it. */
async function withLegacyText<T>(words: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    if (!hasCode(cause, 'NOT_FOUND')) throw cause
    throw new BackupdError(
      'NOT_FOUND',
      `Error happend when doing backup action: ${words}. GET /api/v1/backup/json lists all backups`,
      { cause },
    )
  }
}

/** Deletes the backups in `files` (repeatable), in the daemon's own namespace only. A missing one is not an error. */
export async function handleBackupDelete({ fields }: DaemonCall, world: DaemonParts): Promise<DaemonAnswer> {
  const names = fields.list('files')
  for (const name of names) readBackupPath(name)
  if (names.length === 0)
    throw new BackupdError(
      'BAD_INPUT',
      'Cannot delete backups: the field "files" is empty, expected their names. Nothing was deleted',
    )
  const namespace = readNamespace(fields, world.ip)
  checkOwnNamespace(namespace, world.ip)
  checkReady(world)
  await world.engine.ask('backup_delete', { names })
  return { status: 204 }
}
