import { ERROR_CODES, isErrorCode } from '../lib/error-codes.ts'
import { DRILL_ACTION } from './drill.ts'
import { ELSEWHERE_ACTION } from './job.ts'
import { UNDO_ACTION } from './kept-old.ts'
import type { RunRecord } from './record.ts'
import { VERIFY_ACTION } from './verification.ts'

type Ended = Pick<RunRecord, 'action' | 'args' | 'jobId' | 'state' | 'reason' | 'error' | 'rid'>

/**
 * Identifies runs that serve the same purpose, such as the backup of one volume; the newest one counts. Unlike the id
 * of the job, the key does not change when a schedule is edited.
 */
export function readRunKey({ action, args, jobId }: Pick<RunRecord, 'action' | 'args' | 'jobId'>): string {
  if (action === VERIFY_ACTION) return [action, args.namespace, args.backup].join(' ')
  // What one snapshot proves says nothing of another one.
  if (action === DRILL_ACTION) return [action, args.namespace, args.backup, args.snapshot].join(' ').trimEnd()
  const path = args.path ?? args.destDir
  const target = typeof path === 'string' && path !== '' ? path : jobId
  return [action, typeof args.mode === 'string' ? args.mode : '', target].join(' ')
}

/**
 * Whether no later run of its job says that all is well again: each is of another backup.
 */
export function isOfOneBackup({ action }: Pick<RunRecord, 'action'>): boolean {
  return action === VERIFY_ACTION || action === DRILL_ACTION
}

/** Describes a run that did not succeed on one line: what failed, why, what to do. */
export function describeFailure(run: Ended): string {
  const code = run.error?.code
  const reason = run.reason.trim().replace(/\.$/, '') || 'the reason is not known'
  return `${describeRun(run)} ${VERBS[run.state] ?? run.state}: ${reason}${code ? ` (${code})` : ''}. ${adviceFor(run)}`
}

/** `facts.outcome` of DAEMON_RESTARTED for an interrupted recover that the daemon finished after its restart. */
export const FINISHED = 'went forward'
/** The same for an interrupted run whose backup was stored by then; only hooks were left to be run. */
export const STORED = 'stored'

const VERBS: Partial<Record<RunRecord['state'], string>> = {
  failed: 'failed',
  partial: 'is partial',
  cancelled: 'was cancelled',
  lost: 'is lost',
}

/** `The full backup of "/srv/db"` */
export function describeRun({ action, args }: Pick<RunRecord, 'action' | 'args'>): string {
  if (action === 'backup')
    return `The ${args.mode === 'increment' ? 'increment' : 'full backup'} of ${quoteName(args.path)}`
  if (action === 'backup_recover')
    return `The recover of ${quoteName(args.backup)} into ${quoteName(args.destDir)}`
  if (action === ELSEWHERE_ACTION)
    return `The recover of ${quoteName(args.backup)} into the new folder ${quoteName(args.destDir)}`
  if (action === UNDO_ACTION) return `The undo of the recover of ${quoteName(args.destDir)}`
  if (action === VERIFY_ACTION) return `The verification of ${quoteName(args.backup)}`
  if (action === DRILL_ACTION) return `The drill of ${quoteName(args.backup)}`
  return `The run of ${action}`
}

function quoteName(value: unknown): string {
  return `"${typeof value === 'string' ? value : ''}"`
}

function adviceFor({ state, error, rid }: Ended): string {
  if (state === 'partial') return `See the warnings of the record ${rid}`
  if (state === 'lost')
    return `Check that the daemon runs, and whether the store has the result; then run it again`
  if (state === 'cancelled') return 'Run it again if it is still needed'
  if (error?.facts.outcome === FINISHED)
    return error.facts.faults ? `See the warnings of the record ${rid}` : 'Nothing is left to do'
  if (error?.facts.outcome === STORED) return 'The backup is stored'
  return error && isErrorCode(error.code) ? ERROR_CODES[error.code] : `See the record ${rid}`
}
