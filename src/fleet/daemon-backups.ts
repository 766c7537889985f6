import { z } from 'zod'
import type { DaemonPort } from '../domain/ports.ts'
import { BackupdError } from '../lib/errors.ts'
import type { BackupInfo } from '../wire/backup.ts'
import { type Capability, hasCapability } from '../wire/capabilities.ts'
import {
  backupPageSchema,
  debugSchema,
  PROTOCOL,
  type RecoverRequest,
  runAnswerSchema,
} from '../wire/daemon-api.ts'
import type { DrillRequest } from '../wire/drill.ts'
import type { KeptRequest } from '../wire/kept-old.ts'
import { PageGuard } from '../wire/page-guard.ts'
import { MAX_PAGE_SIZE } from '../wire/page-limits.ts'
import type { VerifyRequest } from '../wire/verification.ts'
import type { DaemonHttp } from './daemon-http.ts'
import { askFor, encodeSegment } from './daemon-request.ts'
import { fromLegacyBackup, legacyBackupsSchema } from './legacy-backups.ts'

type DaemonBackups = Pick<
  DaemonPort,
  'backups' | 'deleteBackups' | 'recover' | 'verify' | 'drill' | 'changeKept'
>

const BACKUP = '/api/v1/backup'

export function createDaemonBackups(http: DaemonHttp): DaemonBackups {
  return {
    backups: (ip, namespace) => listBackups(http, ip, namespace),
    async deleteBackups(ip, namespace, files) {
      // A legacy daemon would delete backups of these names in its own namespace.
      if (namespace !== ip) throw makeForeignNamespaceError(ip, namespace, 'deletes')
      await http.ask(ip, { method: 'POST', path: `${BACKUP}/delete`, form: { namespace, files } })
    },
    recover: (ip, request) => requestRecover(http, ip, request),
    verify: (ip, request) => requestVerify(http, ip, request),
    drill: (ip, request) => requestDrill(http, ip, request),
    changeKept: (ip, change, request) => requestKept(http, ip, { change, ...request }),
  }
}

const listSchema = z.union([backupPageSchema, legacyBackupsSchema])

async function* listBackups(http: DaemonHttp, ip: string, namespace: string): AsyncGenerator<BackupInfo[]> {
  let unread: string | undefined
  const guard = new PageGuard(ip)
  for (let after: string | null = ''; after !== null; ) {
    const query: Record<string, string | number> = { protocol: PROTOCOL, namespace, limit: MAX_PAGE_SIZE }
    if (after !== '') query.after = after
    const answer: z.infer<typeof listSchema> = await askFor(http, ip, {
      method: 'GET',
      path: `${BACKUP}/json`,
      query,
      schema: listSchema,
    })
    if ('good' in answer) {
      if (namespace !== ip) throw makeForeignNamespaceError(ip, namespace, 'lists')
      return yield answer.good.map((entity) => fromLegacyBackup(entity, ip))
    }
    guard.check(answer.backups.length, answer.next)
    yield answer.backups
    unread ??= answer.unread
    after = answer.next
  }
  // Thrown at the end, so that the rest is listed; and thrown at all, so that unread series do not count as deleted.
  if (unread !== undefined) throw makeUnreadSeriesError(ip, namespace, unread)
}

async function requestRecover(http: DaemonHttp, ip: string, request: RecoverRequest): Promise<string> {
  await requireCapabilities(http, ip, listNeeds(ip, request))
  const {
    mode,
    name,
    files,
    snapshot,
    onRefusedRename,
    plan = false,
    elsewhere = false,
    hooks,
    keepOldMs,
    acceptUnsigned = false,
    signers,
    ...rest
  } = request
  const route = mode === 'full' ? 'full/recover/file' : 'increment/recover/dir'
  const form = {
    ...rest,
    ...(files === null ? makeWholeField(mode) : { files }),
    ...(snapshot === null ? {} : { snapshot }),
    ...(onRefusedRename === 'in-place' ? { onRefusedRename } : {}),
    ...(plan ? { plan: 'true' } : {}),
    ...(elsewhere ? { elsewhere: 'true' } : {}),
    ...(acceptUnsigned ? { acceptUnsigned: 'true' } : {}),
    ...(signers ? { signers: JSON.stringify(signers) } : {}),
    ...(keepOldMs === undefined ? {} : { keepOld: keepOldMs }),
    ...(hooks ? { hooks: JSON.stringify(hooks) } : {}),
  }
  const path = `${BACKUP}/${route}/${encodeSegment(name)}`
  const { rid } = await askFor(http, ip, { method: 'POST', path, form, schema: runAnswerSchema })
  return rid
}

async function requestVerify(http: DaemonHttp, ip: string, request: VerifyRequest): Promise<string> {
  await requireCapabilities(http, ip, [{ capability: 'verify', what: 'verify backups' }])
  const { backup, ...form } = request
  const path = `${BACKUP}/verify/${encodeSegment(backup)}`
  const { rid } = await askFor(http, ip, { method: 'POST', path, form, schema: runAnswerSchema })
  return rid
}

async function requestDrill(http: DaemonHttp, ip: string, request: DrillRequest): Promise<string> {
  await requireCapabilities(http, ip, [{ capability: 'drill', what: 'drill backups' }])
  const { backup, snapshot, ...rest } = request
  const form = { ...rest, ...(snapshot !== '' && { snapshot }) }
  const path = `${BACKUP}/drill/${encodeSegment(backup)}`
  const { rid } = await askFor(http, ip, { method: 'POST', path, form, schema: runAnswerSchema })
  return rid
}

async function requestKept(
  http: DaemonHttp,
  ip: string,
  { change, keepOldMs, hooks, ...form }: KeptRequest & { change: 'undo' | 'drop' },
): Promise<string> {
  await requireCapabilities(http, ip, [{ capability: 'keep-old', what: 'keep what a recover replaces' }])
  const more = {
    ...(keepOldMs === undefined ? {} : { keepOld: keepOldMs }),
    ...(hooks ? { hooks: JSON.stringify(hooks) } : {}),
  }
  const { plan, ...fields } = form
  const sent = { ...fields, ...more, ...(plan ? { plan: 'true' } : {}) }
  const path = `${BACKUP}/kept/actions/${change}`
  const { rid } = await askFor(http, ip, { method: 'POST', path, form: sent, schema: runAnswerSchema })
  return rid
}

/** A daemon requires `whole` or names of files for an increment. */
function makeWholeField(mode: RecoverRequest['mode']): Record<string, string> {
  return mode === 'increment' ? { whole: 'true' } : {}
}

interface Need {
  capability: Capability
  what: string
}

/** The capabilities that a recover needs. A daemon without them would recover more than requested, or nothing. */
function listNeeds(ip: string, request: RecoverRequest): Need[] {
  const { mode, namespace, files, snapshot, plan, planHash, elsewhere, onRefusedRename, hooks, keepOldMs } =
    request
  const needs: [boolean, Capability, string][] = [
    [namespace !== ip, 'namespaces', `recover a backup of ${namespace}`],
    [mode === 'full' && files !== null, 'pick-files', 'recover single files of a full backup'],
    [mode === 'increment' && files === null, 'whole', 'recover an increment without the names of files'],
    [snapshot !== null, 'snapshots', 'pick a snapshot'],
    [onRefusedRename === 'in-place', 'in-place', 'copy in place if renames are refused'],
    [hooks !== undefined, 'recover-hooks', 'run the hooks pre_recover and post_recover of the volume'],
    [keepOldMs !== undefined, 'keep-old', 'keep what a recover replaces'],
    [elsewhere === true, 'elsewhere', 'recover into a new folder'],
    [plan === true, 'plan', 'show beforehand what it would do'],
    [
      plan === true && mode === 'full',
      'plan-hash',
      'show beforehand what the recover of a full backup would do',
    ],
    [planHash !== undefined, 'plan-hash', 'compare a recover with its plan'],
  ]
  return needs.filter(([needed]) => needed).map(([, capability, what]) => ({ capability, what }))
}

/** Throws DAEMON_REFUSED if the daemon lacks a capability, because it would ignore fields that it does not know. */
export async function requireCapabilities(http: DaemonHttp, ip: string, needs: Need[]): Promise<void> {
  if (needs.length === 0) return
  const debug = await askFor(http, ip, { method: 'GET', path: '/api/v1/debug', schema: debugSchema })
  const missing = needs.find(({ capability }) => !hasCapability(debug, capability))
  if (!missing) return
  const { capability, what } = missing
  const version = debug.version ? ` (version ${debug.version})` : ''
  const message = `The daemon on ${ip}${version} cannot ${what}. Nothing was done. Leave that out, or update the daemon`
  throw new BackupdError('DAEMON_REFUSED', message, { facts: { server: ip, capability } })
}

export function makeForeignNamespaceError(ip: string, namespace: string, does: string): BackupdError {
  const message = `The daemon on ${ip} ${does} in its own namespace only. Ask the daemon on ${namespace}`
  return new BackupdError('DAEMON_REFUSED', message, { facts: { server: ip, namespace } })
}

function makeUnreadSeriesError(ip: string, namespace: string, reason: string): BackupdError {
  const message = `The increments of ${namespace} are not listed: ${reason}`
  return new BackupdError('REPOSITORY_PASSWORD', message, { facts: { server: ip, namespace } })
}
