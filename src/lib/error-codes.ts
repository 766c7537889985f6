/**
 * Every stable error code with what the operator should do; docs/errors.md has the same table. The one file of lib/ that
 * names backups and daemons: BackupdError, which lib/ throws too, accepts these codes only, so that a typing error in a
 * code does not compile anywhere.
 */
export const ERROR_CODES = {
  NOT_FOUND:
    'Check the name or id against the list it came from; a record or a backup may have expired meanwhile.',
  BAD_INPUT: 'Correct the request as the message says; nothing was changed.',
  CONFLICT: 'A run, a lock or a state prevents this now. Wait for it or cancel it, then ask again.',
  FORBIDDEN: 'Nothing was changed. Ask for what is allowed, or ask an operator to allow it.',
  UNAUTHENTICATED:
    'Send a token as "Authorization: Bearer TOKEN", or as the password of HTTP Basic; docs/security.md says how to get one.',
  NOT_PERMITTED: 'Nothing was changed. Ask an administrator for the role that the message names.',
  TLS_REQUIRED:
    'Ask from the machine itself or through TLS. The token was sent in the clear: if others can read this network, revoke it.',
  TOO_MANY_SIGN_INS:
    'Correct the token, or remove it from the script that sends it; valid tokens of the same address are accepted meanwhile.',
  DAEMON_UNREACHABLE:
    'Check that the daemon runs and that the controller reaches its address. Its runs continue meanwhile.',
  CONTROLLER_UNREACHABLE: 'Check that the controller runs and listens at the given address.',
  DAEMON_REFUSED: 'The daemon answered with a refusal; its message says why.',
  DAEMON_RESTARTED:
    'The daemon stopped during this run. Its next start cleans up or finishes the run; run it again.',
  STORE_FULL: 'Free room in the store or shorten a retention time, then run it again.',
  DISK_FULL:
    'Free room on the disk of the data directory that the message names; new backups then start again on their own.',
  STORE_UNAVAILABLE:
    'The store cannot be read or written; the message says why. Check that it runs, its mount or network, and its permissions or credentials.',
  STORE_NOT_MOUNTED:
    'Mount the store at the path that the daemon uses, or give it the right path; nothing was written.',
  STORE_CHANGED:
    'Give the daemon the store that it knows: mount it, correct the flags, or restore it. To use the present store instead, start the daemon once with --claim-store.',
  VOLUME_MISSING: 'The directory of the volume does not exist: check its path and its mount.',
  VOLUME_IN_USE: 'Stop the processes that the message names, or ask to proceed (inUse: PROCEED).',
  VOLUME_LOCKED:
    'An unfinished recover, or a hook that an interrupted run owes, locks the volume. Do what the message says; docs/recover.md has every case.',
  SYSTEM_REFUSED:
    'Fix what the message names (permissions, attributes shown by lsattr, the mount, a limit), or use the alternative that it names; then run it again.',
  NO_ROOM: 'There is not enough room for the recover; free as much as the message says.',
  PLAN_NEEDED:
    'Nothing was deleted. Ask for the plan that the message names, look at it, and send its planHash.',
  PLAN_STALE: 'Nothing was changed. Make a new plan, look at it, and quote its planHash.',
  SIGNATURE_BAD:
    'Nothing was changed. Find out who changed the store, and use another backup. To recover it anyway, send acceptUnsigned: true through GraphQL.',
  UNSIGNED:
    'Nothing was changed. Find out who wrote the backup, or use another one. To recover it anyway, send acceptUnsigned: true through GraphQL.',
  ARCHIVE_CORRUPT: 'The archive is damaged. Nothing was restored; use an older backup.',
  ARCHIVE_UNSAFE: 'The archive has names that lead out of the volume. Nothing was restored.',
  ARCHIVE_EMPTY: 'Nothing in the archive could be restored; the volume is unchanged.',
  REPOSITORY_PASSWORD:
    'The password opens no key of the repository: give the right one with --repository-password-file.',
  REPOSITORY_DAMAGED:
    'A file of the repository is damaged. Restore it from a copy, or see restic check and restic rebuild-index.',
  REPOSITORY_MISSING:
    'Restore the folder of the increments. To continue without the earlier snapshots, start the daemon once with --new-repository.',
  REPOSITORY_LOCKED:
    'Another process works on the repository. Wait for it; if it is certainly gone, remove its lock with restic unlock.',
  SNAPSHOT_CORRUPT: 'Content of the snapshot is damaged. Nothing damaged was restored; use another snapshot.',
  EVENTS_GONE: 'Subscribe again without since, and read the list of records for what happened meanwhile.',
  CANCELLED: 'Cancelled on request.',
  TIMED_OUT: 'It took longer than allowed.',
  RUNNER_DIED:
    'The process of the run ended (killed, out of memory). The daemon cleans up or finishes the run on its own; run it again.',
  HOOK_FAILED:
    'Correct the hook, or what it depends on, as the message says; the log of the daemon has all that it wrote.',
  CATALOG_UNUSABLE:
    'The catalog database cannot be read or written: the message names the file and what to do.',
  OVERLOADED:
    'Wait as long as Retry-After says, or a minute, then send the same again. A daemon does so on its own.',
  TOO_COSTLY: 'Ask for less at once: fewer levels, smaller pages.',
  INTERNAL: 'A fault of backupd: see the log of the program that the message names, and report it.',
} as const

export type ErrorCode = keyof typeof ERROR_CODES

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code)
}
