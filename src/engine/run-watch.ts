import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Problems } from '../lib/problems.ts'
import { describeRun } from '../wire/failed-run.ts'
import { type Progress, WAIT_FOR_STORE } from '../wire/record.ts'
import type { Run } from './run.ts'

export const HUNG_AFTER_MS = 60_000
export const YIELD_AFTER_MS = 10 * 60_000
/** Limit for runs without a lane plus killed processes that do not exit, because each holds memory and threads. */
export const MAX_HUNG = 16
const SOURCE = 'hung'
const STORE_SOURCE = 'store-wait'

interface Watched {
  beganAt: number
  /** When the run was last checked. */
  checkedAt: number
  /** Time without progress, in ms. Time spent waiting for the store does not count. */
  idleMs: number
  /** Time that it has waited for the store without a break, in ms. */
  storeMs: number
  /** As last reported; the record follows a little later. */
  progress: Partial<Progress>
}

export interface WatchOptions {
  clock: Clock
  log: Log
  problems: Problems
  /** The run has exceeded the time limit of its job. */
  onLimit(run: Run, seconds: number): void
  /** The run gives its lane to others but keeps its volumes. */
  onYield(run: Run): void
}

/** Detects runs that hang, such as on a mount whose server is gone, and runs that exceed their time limit. */
export class RunWatch {
  readonly #options: WatchOptions
  readonly #watched = new Map<Run, Watched>()
  readonly #yielded = new Set<Run>()
  /** How many killed processes have not exited yet. */
  #stuck = 0

  constructor(options: WatchOptions) {
    this.#options = options
  }

  begin(run: Run): void {
    const now = this.#options.clock.elapsed()
    this.#watched.set(run, { beganAt: now, checkedAt: now, idleMs: 0, storeMs: 0, progress: {} })
  }

  end(run: Run): void {
    this.#watched.delete(run)
    this.#yielded.delete(run)
    this.#options.problems.clear(SOURCE, run.rid)
    this.#options.problems.clear(STORE_SOURCE, run.rid)
  }

  isHung(run: Run): boolean {
    return (this.#watched.get(run)?.idleMs ?? 0) >= HUNG_AFTER_MS
  }

  get hasRoom(): boolean {
    return this.#yielded.size + this.#stuck < MAX_HUNG
  }

  /** Counts a killed process as stuck until `gone` resolves. */
  async holdStuck(gone: Promise<void>): Promise<void> {
    this.#stuck++
    await gone
    this.#stuck--
  }

  progressed(run: Run, change: Partial<Progress>): void {
    const watched = this.#watched.get(run)
    if (!watched) return
    const before = watched.progress
    watched.progress = { ...before, ...change }
    if (watched.progress.phase !== WAIT_FOR_STORE) this.#endStoreWait(run, watched)
    if (isProgress(before, change)) this.worked(run)
  }

  /** Resets the idle time: the run works, with or without visible progress. */
  worked(run: Run): void {
    const watched = this.#watched.get(run)
    if (!watched) return
    if (watched.idleMs >= HUNG_AFTER_MS) this.#reportRecovery(run)
    watched.idleMs = 0
    this.#endStoreWait(run, watched)
    watched.checkedAt = this.#options.clock.elapsed()
  }

  /** Checks every run; call it about once a second. */
  check(): void {
    for (const [run, watched] of this.#watched) this.#check(run, watched)
  }

  #check(run: Run, watched: Watched): void {
    const now = this.#options.clock.elapsed()
    if (watched.progress.phase === WAIT_FOR_STORE) watched.storeMs += now - watched.checkedAt
    else watched.idleMs += now - watched.checkedAt
    watched.checkedAt = now
    const seconds = run.job?.options?.timeLimitSeconds
    if (watched.idleMs >= HUNG_AFTER_MS) this.#reportHang(run, watched)
    if (watched.storeMs >= HUNG_AFTER_MS) this.#reportStoreWait(run)
    if (seconds !== undefined && now - watched.beganAt >= seconds * 1000) this.#options.onLimit(run, seconds)
  }

  #reportHang(run: Run, { idleMs, progress }: Watched): void {
    const { problems, log, onYield } = this.#options
    if (!problems.has(SOURCE, run.rid)) {
      const text = describeHang(run, progress)
      problems.report({ source: SOURCE, key: run.rid, text })
      log.warn({ rid: run.rid, action: run.plugin.name }, text)
    }
    if (idleMs < YIELD_AFTER_MS || this.#yielded.has(run) || !this.hasRoom) return
    this.#yielded.add(run)
    log.warn({ rid: run.rid }, `The run ${run.rid} still makes no progress: other runs get its lane`)
    onYield(run)
  }

  /** A run that waits for its store does not hang, but an operator must know of it. */
  #reportStoreWait(run: Run): void {
    const { problems, log } = this.#options
    if (problems.has(STORE_SOURCE, run.rid)) return
    const text = `${describeRun(run.record.now)} has waited for its store for ${HUNG_AFTER_MS / 1000} s: check whether the store answers`
    problems.report({ source: STORE_SOURCE, key: run.rid, text })
    log.warn({ rid: run.rid, action: run.plugin.name }, text)
  }

  #endStoreWait(run: Run, watched: Watched): void {
    watched.storeMs = 0
    const { problems, log } = this.#options
    if (!problems.has(STORE_SOURCE, run.rid)) return
    problems.clear(STORE_SOURCE, run.rid)
    log.info({ rid: run.rid }, `The store answers the run ${run.rid} again`)
  }

  #reportRecovery(run: Run): void {
    this.#options.problems.clear(SOURCE, run.rid)
    this.#options.log.info({ rid: run.rid }, `The run ${run.rid} makes progress again`)
  }
}

/** Entries, bytes, path or phase have changed. Starting or ending to wait for the store is not progress. */
function isProgress(before: Partial<Progress>, change: Partial<Progress>): boolean {
  const { phase, bytesDone, filesDone, currentPath } = change
  if (phase === WAIT_FOR_STORE || before.phase === WAIT_FOR_STORE) {
    return isOther(bytesDone, before.bytesDone) || isOther(filesDone, before.filesDone)
  }
  const pairs = [
    [phase, before.phase],
    [bytesDone, before.bytesDone],
    [filesDone, before.filesDone],
    [currentPath, before.currentPath],
  ] as const
  return pairs.some(([now, then]) => isOther(now, then))
}

function isOther(now: unknown, then: unknown): boolean {
  return now !== undefined && now !== then
}

function describeHang({ record, rid }: Run, { phase: name, currentPath }: Partial<Progress>): string {
  const { action, args } = record.now
  const at = currentPath ? `, at "${currentPath}"` : ''
  const phase = name === undefined ? '' : ` (${name}${at})`
  const minute = `${HUNG_AFTER_MS / 1000} s`
  return `${describeRun({ action, args })} has made no progress for ${minute}${phase}: check whether the volume's mount answers, or cancel the run ${rid}`
}
