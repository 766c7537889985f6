import { hash } from 'node:crypto'
import { type BackupInfo, hasSnapshots, isMirror } from '../wire/backup.ts'
import { hasCapability } from '../wire/capabilities.ts'
import { MAX_RANGE_TEXT } from '../wire/file-content.ts'
import { can } from './access/can.ts'
import type { DownloadTicket } from './access/download-tickets.ts'
import { nameCredentials } from './access/principal.ts'
import { type Answer, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { readAbout } from './listing.ts'
import { refuseUnlessPermitted } from './permission.ts'
import type { FileContent } from './ports.ts'
import { isReachable } from './server-state.ts'
import { seesApp, type UserWorld } from './user-world.ts'

/** One file in a backup. */
export interface StoredFileName {
  backup: BackupInfo
  /** Id of the snapshot; null for a backup without snapshots. */
  snapshot: string | null
  /** Text form of lib/byte-paths.ts, below the volume. */
  path: string
}

/**
 * The address of a file: a path and query of the controller's own URL, which works for ten minutes and needs no token. Null if
 * the caller may not download it, if its daemon is too old to hand out files, or if no address can name the path.
 */
export function addressFile(world: UserWorld, { backup, snapshot, path }: StoredFileName): string | null {
  const { principal } = world.caller
  if (!can(principal, 'download', backup).allowed) return null
  const server = world.servers.get(backup.server)
  if (server && isReachable(server) && !hasCapability(server.debug, 'content')) return null
  if (!path.isWellFormed()) return null
  const address = world.downloads.give({
    server: backup.server,
    backup: backup.name,
    snapshot: snapshot ?? '',
    path,
    credentials: nameCredentials(principal),
  })
  if (!address) return null
  return `/download/${encodeURIComponent(nameOf(path))}?${new URLSearchParams({ ...address })}`
}

/** The last name of a path, as a name for the downloaded file. */
function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

export interface Download {
  /** The headers `Range` and `If-Range`. */
  range: string | undefined
  ifRange: string | undefined
  /** Aborted when the caller leaves. */
  signal: AbortSignal
  /** Sends it. Resolves when all of it was sent; rejects if that failed. */
  deliver(file: DeliveredFile): Promise<void>
}

export interface DeliveredFile extends FileContent {
  name: string
  /** The same for the same content only, as in the header `ETag`; undefined if the content may change. */
  tag: string | undefined
}

/** Sends a file to the caller to whom its address was given. The audit has who, what, and how it ended. */
export function download(world: UserWorld, ticket: DownloadTicket, asked: Download): Promise<Answer<void>> {
  const { server, backup: name, snapshot, path } = ticket
  return audited(
    world,
    { verb: 'download', facts: { server, name, snapshot, path, range: asked.range ?? null } },
    {
      check: async () => {
        const backup = await world.ports.backups.get(server, name)
        // A series has the name of the mirror that it took over.
        const isSame = backup && hasSnapshots(backup) === (snapshot !== '')
        if (!isSame || !seesApp(world, backup.app)) return refuse('NOT_FOUND', describeGone(name), { name })
        return refuseUnlessPermitted(world, 'download', backup) ?? backup
      },
      act: async (backup) => {
        const tag = isMirror(backup) ? undefined : makeTag(ticket)
        // A client that continues a file names its tag, and gets all of it if that is another file. A mirror is never continued.
        const continues = tag !== undefined && (asked.ifRange === undefined || asked.ifRange === tag)
        const given = (continues ? asked.range : undefined) ?? ''
        const range = given.length > MAX_RANGE_TEXT ? '' : given
        const file = { namespace: server, name, path, snapshot, range }
        const content = await readAbout(world, file, asked.signal)
        await asked.deliver({ ...content, name: nameOf(path), tag })
      },
    },
  )
}

function describeGone(name: string): string {
  return `The backup "${name}" does not exist any more: list the backups again`
}

/** A backup never changes, unless it is a mirror: its name and the path say which content it is. */
function makeTag({ server, backup, snapshot, path }: DownloadTicket): string {
  return `"${hash('sha256', JSON.stringify([server, backup, snapshot, path]), 'base64url')}"`
}
