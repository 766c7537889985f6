import { resolve } from 'node:path'
import { messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { makePrivate } from '../lib/private-modes.ts'

/** What our programs write below --data, in standalone's folders too. Everything else there belongs to somebody else. */
const OWN_FILES = [
  /^(controller|daemon|store|copies)$/,
  /^(controller\/)?catalog\.(db|lock)(-wal|-shm|-journal)?$/,
  /^(controller\/)?catalog\.db\.before-[^/]+$/,
  /^(controller\/)?inventory\.json(\.tmp-\d+)?$/,
  /^copies\/catalog-[^/]+\.db(\.part)?$/,
  /^(daemon\/)?daemon\.db(\.damaged-[0-9TZ]+)?(-wal|-shm|-journal)?$/,
  /^(daemon\/)?daemon-id(\.tmp-\d+)?$/,
  /^(daemon\/)?(locks|recovers|repository-locks)(\/[^/]+)?$/,
  /^store\/\.repository-password$/,
]

const MAX_NAMED = 10

/**
 * Files of ours under the data directory that others of this machine can read, because an older version or another
 * umask made them: their modes are repaired, with a warning. Call it before anything is opened.
 */
export function repairOwnModes(dataDir: string, log: Log): void {
  const folder = resolve(dataDir)
  try {
    const changed = makePrivate(folder, (path) => OWN_FILES.some((own) => own.test(path)))
    if (changed.length > 0) log.warn({ folder, changed: changed.slice(0, MAX_NAMED) }, warningOf(changed))
  } catch (error) {
    log.warn(
      { folder },
      `Cannot check who may read the files in ${folder}: ${messageOf(error)}. Take all rights of group and others from them by hand`,
    )
  }
}

function warningOf(changed: string[]): string {
  const more = changed.length > MAX_NAMED ? ` and ${changed.length - MAX_NAMED} more` : ''
  return `Other users of this machine had rights on files of the data directory; these are private now: ${changed.slice(0, MAX_NAMED).join(', ')}${more}`
}
