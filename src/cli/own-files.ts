import { resolve } from 'node:path'
import { messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { makePrivate } from '../lib/private-modes.ts'

/** The folders of our programs below --data, also of standalone. Those for copies may be in others. */
const OWN_FOLDERS = [
  /^(controller|daemon|store)$/,
  /^copies(\/[^/]+){0,4}$/,
  /^(daemon\/)?(cache|locks|recovers|repository-locks)$/,
]

/** What our programs write there. Other files are not ours. */
const OWN_FILES = [
  /^(controller\/)?catalog\.(db|lock)(-wal|-shm|-journal)?$/,
  /^(controller\/)?catalog\.db\.before-[^/]+$/,
  /^(controller\/)?inventory\.json(\.tmp-\d+)?$/,
  /^(controller\/)?(admin-token|access-enforced|login-code\.json|audit-head|authority\.json|enrolments\.json)(\.tmp-[\da-f]+)?$/,
  /^(controller\/)?clock\.json(\.tmp-\d+)?$/,
  /^((controller|daemon)\/)?reserve(\.part)?$/,
  /^copies\/([^/]+\/){0,4}catalog-[^/]+\.db(\.part)?$/,
  /^(daemon\/)?daemon\.db(\.damaged-[0-9TZ]+)?(-wal|-shm|-journal)?$/,
  /^(daemon\/)?(identity|joining|signers)\.json(\.tmp-\d+)?$/,
  /^(daemon\/)?daemon-id(\.tmp-\d+)?$/,
  /^(daemon\/)?(locks|recovers|repository-locks)\/[^/]+$/,
  /^store\/\.repository-password$/,
]

const MAX_LISTED = 10

/**
 * Removes the rights of other users on our files in the data directory, which an older version or another umask may have
 * given, and logs a warning. Call it before any file is opened.
 */
export function repairOwnModes(dataDir: string, log: Log): void {
  const folder = resolve(dataDir)
  try {
    const changed = makePrivate(folder, isOwnEntry)
    if (changed.length > 0)
      log.warn({ folder, changed: changed.slice(0, MAX_LISTED) }, describeChanged(changed))
  } catch (error) {
    log.warn(
      { folder },
      `Cannot check who may read the files in ${folder}: ${messageOf(error)}. Remove all rights of group and others by hand`,
    )
  }
}

function isOwnEntry(path: string, isFolder: boolean): boolean {
  return (isFolder ? OWN_FOLDERS : OWN_FILES).some((own) => own.test(path))
}

function describeChanged(changed: string[]): string {
  const more = changed.length > MAX_LISTED ? ` and ${changed.length - MAX_LISTED} more` : ''
  return `Other users of this machine had rights on files of the data directory; these are private now: ${changed.slice(0, MAX_LISTED).join(', ')}${more}`
}
