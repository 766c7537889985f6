/** Every stable error code with what the operator should do. docs/errors.md is generated from this table. */
export const ERROR_CODES = {
  NOT_FOUND:
    'Check the name or id against the list it came from; a record or a backup may have expired meanwhile.',
  BAD_INPUT: 'Correct the request as the message says; nothing was changed.',
  CONFLICT: 'Something else holds it (a run, a lock, a state). Wait for it or cancel it, then ask again.',
  FORBIDDEN: 'Nothing was changed. Ask for what is allowed, or ask an operator to allow it.',
  DAEMON_UNREACHABLE:
    'See that the daemon runs and that the controller reaches its address; what it does goes on meanwhile.',
  CONTROLLER_UNREACHABLE: 'See that the controller runs and listens at the address given.',
  DAEMON_REFUSED: 'The daemon answered with a refusal; its message says why.',
  DAEMON_RESTARTED:
    'The daemon stopped while this ran. What it left is cleaned up or finished at the next start; run it again.',
  STORE_FULL: 'Free room in the store or shorten a retention time, then run it again.',
  DISK_FULL:
    'Free room on the disk of the data directory named; new backups start again on their own once there is enough.',
  STORE_UNAVAILABLE: 'The store cannot be read or written: see its mount, its permissions, its owner file.',
  STORE_NOT_MOUNTED:
    'Mount the store where the daemon looks for it, or name the right directory; nothing was written.',
  STORE_CHANGED:
    'Mount the store that the daemon knows, or put it back. To start over with what is there, start the daemon once with --claim-store.',
  VOLUME_MISSING: 'The volume directory is not there: see the path and its mount.',
  VOLUME_IN_USE: 'Stop the processes named, or ask to proceed (inUse: PROCEED).',
  VOLUME_LOCKED:
    'Something unfinished holds the volume. Do what the message says; docs/recover.md has every case.',
  SYSTEM_REFUSED:
    'See the error in the message: permissions, attributes (lsattr), the mount, a limit. Fix it, or do what the message names instead, and run it again.',
  NO_ROOM: 'The volume has not enough room for the recover; free as much as the message says.',
  ARCHIVE_CORRUPT: 'The archive is not what was written. Nothing was restored; take an older backup.',
  ARCHIVE_UNSAFE: 'The archive holds names that lead out of the volume. Nothing was restored.',
  ARCHIVE_EMPTY: 'Nothing in the archive could be restored; the volume was left as it was.',
  REPOSITORY_PASSWORD:
    'The password opens no key of the repository: give the right one with --repository-password-file.',
  REPOSITORY_DAMAGED:
    'A file of the repository is not what was written. Put it back from a copy, or see restic check and restic rebuild-index.',
  REPOSITORY_MISSING:
    'Put the folder of the increments back. To go on without the earlier snapshots, start the daemon once with --new-repository.',
  REPOSITORY_LOCKED:
    'Another process works on the repository. Wait for it; if it is known to be gone, remove its lock with restic unlock.',
  SNAPSHOT_CORRUPT:
    'Content of the snapshot is not what was written. Nothing damaged was restored; take another snapshot.',
  EVENTS_GONE: 'Subscribe again without since, and read the list of records for what happened meanwhile.',
  CANCELLED: 'Cancelled on request.',
  TIMED_OUT: 'It took longer than allowed.',
  RUNNER_DIED:
    'The process that ran it ended (killed, out of memory). What it left is cleaned up or finished on its own; run it again.',
  CATALOG_UNUSABLE:
    'The catalog database cannot be read or written: its message names the file and the way out.',
  TOO_COSTLY: 'Ask for less at once: fewer levels, smaller pages.',
  INTERNAL: 'A fault of ours: see the log of the program named, and report it.',
} as const

export type ErrorCode = keyof typeof ERROR_CODES

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code)
}
