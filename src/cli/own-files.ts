import { resolve } from 'node:path'
import { messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { makePrivate } from '../lib/private-modes.ts'

/** What our programs write below --data, also in standalone's folders. Other files there are not ours. */
const OWN_FILES = [
  /^(controller|daemon|store|copies)$/,
  /^(controller\/)?catalog\.(db|lock)(-wal|-shm|-journal)?$/,
  /^(controller\/)?catalog\.db\.before-[^/]+$/,
  /^(controller\/)?inventory\.json(\.tmp-\d+)?$/,
  /^(controller\/)?(admin-token|access-enforced)(\.tmp-\d+)?$/,
  /^copies\/catalog-[^/]+\.db(\.part)?$/,
  /^(daemon\/)?daemon\.db(\.damaged-[0-9TZ]+)?(-wal|-shm|-journal)?$/,
  /^(daemon\/)?daemon-id(\.tmp-\d+)?$/,
  /^(daemon\/)?(locks|recovers|repository-locks)(\/[^/]+)?$/,
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
    const changed = makePrivate(folder, (path) => OWN_FILES.some((own) => own.test(path)))
    if (changed.length > 0)
      log.warn({ folder, changed: changed.slice(0, MAX_LISTED) }, describeChanged(changed))
  } catch (error) {
    log.warn(
      { folder },
      `Cannot check who may read the files in ${folder}: ${messageOf(error)}. Remove all rights of group and others by hand`,
    )
  }
}

function describeChanged(changed: string[]): string {
  const more = changed.length > MAX_LISTED ? ` and ${changed.length - MAX_LISTED} more` : ''
  return `Other users of this machine had rights on files of the data directory; these are private now: ${changed.slice(0, MAX_LISTED).join(', ')}${more}`
}
