import { randomBytes } from 'node:crypto'
import { BackupdError } from '../lib/errors.ts'
import { trimEndSlashes } from '../lib/trim-slashes.ts'
import type { ObjectName } from '../objects/driver.ts'
import { parseUnfinished, unfinishedName } from '../objects/unfinished.ts'
import {
  backupName,
  isBackupName,
  MAX_ARCHIVE_NAME_BYTES,
  parseBackupName,
  parseBackupPath,
} from '../wire/archive-name.ts'

/** Names in a namespace that the store uses itself; no backup can have them. */
export const META = '.meta'
export const OWNER = '.owner'
export const LOCK = '.lock'
export const PRUNE_NOTE = '.prune'
export const RESERVE = '.reserve'
export const DAMAGE_NOTE = '.damaged'
export const PROOF_NOTE = '.verified'
export const HOLD_NOTE = '.held'
export const HIDDEN_NOTE = '.hidden'
export const HIDDEN_SNAPSHOTS = '.hidden-snapshots'
const REPOSITORY = 'repo'
/** In the store's root, unless a flag names another file: all daemons of a store share one password of increments. */
export const PASSWORD_FILE = '.repository-password'

const SUFFIX = {
  object: '',
  manifest: '.manifest.json',
  index: '.index.gz',
  /** It was deleted, and can be restored: kinds/archive/hidden-archives.ts. */
  hidden: '.hidden',
  tombstone: '.deleted',
} as const
export type Piece = keyof typeof SUFFIX

/** What one name in a namespace stands for; `backup` is the name of the backup it belongs to. */
export type Place =
  | { kind: Piece; backup: string }
  /** An unfinished object, or an intent (see intentKey); `of` is null if it replaces one of the store's own files. */
  | { kind: 'part'; of: Piece | null; backup: string; rid: string }
  /** A mirror, or a folder from inside one, that is being deleted. */
  | { kind: 'trash'; backup: string }
  | { kind: 'own' }
  | { kind: 'unknown' }

const TRASH = /^(?<backup>.+)\.deleted-[0-9a-f]{42}$/

/** The driver's key for a piece of a backup. */
export function makePieceKey(namespace: string, backup: string, piece: Piece): string {
  return `${namespace}/${backup}${SUFFIX[piece]}`
}

/**
 * The copy of the manifest that the run `rid` writes before the first piece of its backup gets its name: while it exists
 * without the manifest, the backup is being published. Earlier versions renamed it, so it looks like an unfinished object.
 */
export function intentKey(namespace: string, backup: string, rid: string): string {
  return unfinishedName(makePieceKey(namespace, backup, 'manifest'), rid)
}

export function parsePlace({ name, kind }: ObjectName): Place {
  if (name === REPOSITORY && kind === 'folder') return { kind: 'own' }
  if (kind === 'folder') return parseTrashName(name)
  if (kind !== 'file') return { kind: 'unknown' }
  if (isOwn(name)) return { kind: 'own' }
  const part = parseUnfinished(name)
  if (!part) return parsePieceName(name) ?? { kind: 'unknown' }
  const piece = parsePieceName(part.name)
  if (piece) return { kind: 'part', of: piece.kind, backup: piece.backup, rid: part.run }
  return isOwn(part.name) ? { kind: 'part', of: null, backup: '', rid: part.run } : { kind: 'unknown' }
}

/** A new name for a mirror's folder that is to be deleted. Everything under such a name is deleted sooner or later. */
export function trashName(backup: string): string {
  const start = Buffer.byteLength(backup) > MAX_ARCHIVE_NAME_BYTES ? backup.slice(0, 40) : backup
  return `${start}.deleted-${randomBytes(21).toString('hex')}`
}

function parseTrashName(name: string): Place {
  const { backup } = TRASH.exec(name)?.groups ?? {}
  return backup === undefined ? { kind: 'unknown' } : { kind: 'trash', backup }
}

const OWN_NAMES: ReadonlySet<string> = new Set([
  ...[META, OWNER, LOCK, RESERVE],
  ...[PRUNE_NOTE, DAMAGE_NOTE, PROOF_NOTE, HOLD_NOTE, HIDDEN_NOTE, HIDDEN_SNAPSHOTS],
])

function isOwn(name: string): boolean {
  return OWN_NAMES.has(name) || name.startsWith(`${META}.broken-`)
}

function parsePieceName(name: string): { kind: Piece; backup: string } | undefined {
  for (const kind of ['manifest', 'index', 'hidden', 'tombstone', 'object'] as const) {
    const backup = name.endsWith(SUFFIX[kind]) ? name.slice(0, name.length - SUFFIX[kind].length) : ''
    if (parseBackupName(backup)) return { kind, backup }
  }
  return undefined
}

/** Checks a backup name that a user wrote. Throws BAD_INPUT for paths, temporary names and the store's own names. */
export function checkBackupName(name: string): string {
  const place = parsePlace({ name, kind: 'file' })
  const isAllowed = isBackupName(name) && name !== REPOSITORY
  if (isAllowed && (place.kind === 'object' || place.kind === 'unknown') && !parseUnfinished(name))
    return name
  throw new BackupdError(
    'BAD_INPUT',
    `${JSON.stringify(name)} is not the name of a backup: take one from the list of backups`,
  )
}

/** What a caller wants deleted. */
export interface BackupPath {
  /** As the caller wrote it. */
  path: string
  name: string
  /** The path inside the mirror; null = the whole backup. */
  inside: string | null
}

/**
 * Splits `NAME`, or `NAME/path/inside` for a path in a mirror. Throws BAD_INPUT for a path that could leave the
 * backup.
 */
export function splitBackupPath(path: string): BackupPath {
  const { name, inside } = parseBackupPath(trimEndSlashes(path))
  checkBackupName(name)
  if (inside !== undefined) return { path, name, inside: inside === '' ? null : inside }
  throw new BackupdError('BAD_INPUT', `${JSON.stringify(path)} leads out of the backup: nothing was touched`)
}

/** Throws BAD_INPUT if no backup can be named after it. */
export function checkArchiveName(archive: string): string {
  const named = parseBackupName(backupName(archive, 1_000_000_000))?.archive === archive
  if (named && !archive.includes('\0') && Buffer.byteLength(archive) <= MAX_ARCHIVE_NAME_BYTES) return archive
  const rule = `it must be a plain file name of at most ${MAX_ARCHIVE_NAME_BYTES} bytes that starts with no dot`
  throw new BackupdError(
    'BAD_INPUT',
    `No backup can be named after the archive ${JSON.stringify(archive)}: ${rule}`,
  )
}
