import { Counter, Histogram, Registry } from 'prom-client'
import { DRILL_ACTION } from '../wire/drill.ts'
import { ELSEWHERE_ACTION } from '../wire/job.ts'
import { UNDO_ACTION } from '../wire/kept-old.ts'
import { isTerminal, type RunRecord } from '../wire/record.ts'
import { VERIFY_ACTION } from '../wire/verification.ts'

/** Seconds: from a small increment to a day. */
const DURATIONS = [1, 5, 15, 60, 300, 900, 3600, 14_400, 43_200, 86_400]

/** The actions that have series of their own; a daemon may report any other name. */
const ACTIONS: ReadonlySet<string> = new Set([
  'backup',
  'backup_delete',
  DRILL_ACTION,
  'backup_expire',
  'backup_hide',
  'backup_recover',
  'backup_recover_plan',
  ELSEWHERE_ACTION,
  UNDO_ACTION,
  'backup_restore',
  'snapshots_delete',
  'snapshots_hide',
  VERIFY_ACTION,
])
const MODES: ReadonlySet<unknown> = new Set(['full', 'increment'])

/** Counts the runs that ended since the start of the process. It has no series for each volume. */
export class RunMeter {
  readonly registry = new Registry()
  readonly #durations: Histogram<'action' | 'mode' | 'state'>
  readonly #read: Counter<'mode'>
  readonly #stored: Counter<'mode'>
  readonly #restored: Counter

  /** @param prefix of all names, such as `backupd_daemon` */
  constructor(prefix: string) {
    const registers = [this.registry]
    this.#durations = new Histogram({
      name: `${prefix}_run_duration_seconds`,
      help: 'How long runs took, from their begin to their end, by how they ended.',
      labelNames: ['action', 'mode', 'state'],
      buckets: DURATIONS,
      registers,
    })
    const counter = { labelNames: ['mode'] as const, registers }
    this.#read = new Counter({
      ...counter,
      name: `${prefix}_run_read_bytes_total`,
      help: 'Bytes of files that backups read.',
    })
    this.#stored = new Counter({
      ...counter,
      name: `${prefix}_run_stored_bytes_total`,
      help: 'Bytes that backups added to the store.',
    })
    this.#restored = new Counter({
      name: `${prefix}_run_restored_bytes_total`,
      help: 'Bytes that recovers wrote.',
      registers,
    })
  }

  /** Call it once for each end of a run; a record that has not ended is ignored. */
  note({ action: told, args, state, start, end, result }: RunRecord): void {
    if (!isTerminal(state)) return
    const action = ACTIONS.has(told) ? told : 'other'
    const mode = MODES.has(args.mode) ? String(args.mode) : ''
    const seconds = (Date.parse(end ?? start) - Date.parse(start)) / 1000
    this.#durations.observe({ action, mode, state }, Math.max(seconds, 0))
    this.#restored.inc(result?.bytesRestored ?? 0)
    if (action !== 'backup' || !result) return
    const { backup, size, bytesRead = backup?.bytes, bytesAdded = size } = result
    this.#read.inc({ mode }, bytesRead ?? 0)
    this.#stored.inc({ mode }, bytesAdded ?? 0)
  }
}
