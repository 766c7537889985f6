import { findLatestMs } from '../../lib/clock.ts'
import { isGood } from '../../wire/backup.ts'
import type { RunRecord } from '../../wire/record.ts'
import type { EndedRun, KeptJobHealth, VolumeCondition } from '../health-ports.ts'
import type { PlannedJob, PlannedVolume } from '../plan.ts'
import type { ModeKey } from '../ports.ts'
import { parseStanding, type Standing, type VolumeState } from './states.ts'

/** What the board keeps of one backup job. Times are unix ms. */
export interface JobEntry {
  planned: PlannedJob
  readonly mode: ModeKey['mode']
  readonly volume: VolumeEntry
  countedFrom: number
  pausedSince: number | null
  /** An earlier job of the volume, whose runs count until this one has one of its own. */
  inherits: string | null
  lastRun: EndedRun | null
  condition: VolumeCondition
  /** null: not measured since the last run. */
  graceMs: number | null
  standing: Standing
  /** What the catalog knows was read; before that nothing is judged. */
  isLoaded: boolean
  /** Grows with each run, so that what was read before it is not taken for newer. */
  version: number
  /** When the passing of time may change its state. */
  checkAt: number
}

export interface VolumeEntry {
  planned: PlannedVolume
  jobs: JobEntry[]
  /** The worst of its jobs. */
  state: VolumeState
}

export function readMode({ job }: PlannedJob): ModeKey['mode'] {
  return job.args.mode === 'increment' ? 'increment' : 'full'
}

export function makeModeKey({ planned: { server, volume }, mode }: JobEntry): ModeKey {
  return { server, source: volume?.path ?? '', mode }
}

export function newEntry(planned: PlannedJob, volume: VolumeEntry, now: number): JobEntry {
  return {
    planned,
    mode: readMode(planned),
    volume,
    countedFrom: now,
    pausedSince: null,
    inherits: null,
    lastRun: null,
    condition: { lastGoodAt: null, newest: null },
    graceMs: null,
    standing: {},
    isLoaded: false,
    version: 0,
    checkAt: Number.NaN,
  }
}

/**
 * A job that replaces an earlier one of its volume and mode, because the schedule or something else of it was edited:
 * what was wrong stays wrong. Planned times count again only if the schedule is another one.
 */
export function replaceEntry(earlier: JobEntry, planned: PlannedJob, now: number): JobEntry {
  const isSameSpec = earlier.planned.job.spec === planned.job.spec
  const hasMoved = earlier.planned.server !== planned.server
  return {
    ...earlier,
    planned,
    inherits: hasMoved ? null : (earlier.inherits ?? earlier.planned.id),
    lastRun: hasMoved ? null : earlier.lastRun,
    countedFrom: isSameSpec && !hasMoved ? earlier.countedFrom : now,
    pausedSince: hasMoved ? null : earlier.pausedSince,
    graceMs: null,
    isLoaded: false,
    version: 0,
    checkAt: Number.NaN,
  }
}

/** Before the catalog was read, nothing is known. */
export function readStanding({ isLoaded, standing, countedFrom }: JobEntry): Standing {
  return isLoaded ? standing : { UNKNOWN: countedFrom }
}

export function toKept(entry: JobEntry): KeptJobHealth {
  const { planned, countedFrom, pausedSince, inherits, standing } = entry
  return { jobId: planned.id, countedFrom, pausedSince, inherits, standing: { ...standing } }
}

/** @param row of the entry itself, or of the job that it inherits from */
export function applyKept(entry: JobEntry, row: KeptJobHealth): void {
  entry.standing = { ...parseStanding(row.standing), ...entry.standing }
  entry.pausedSince ??= row.pausedSince
  if (row.jobId !== entry.planned.id) return
  entry.countedFrom = row.countedFrom
  entry.inherits ??= row.inherits
}

/** @param at unix ms of its end by our own clock */
export function toEndedRun({ rid, state, reason, error }: RunRecord, at: number): EndedRun {
  return {
    rid,
    at,
    state: state as EndedRun['state'],
    reason: reason.slice(0, 500),
    code: error?.code ?? null,
  }
}

/** What the backup that a run made says of its volume; the same if the run made none. */
export function addBackup(known: VolumeCondition, { result }: RunRecord, isNewest: boolean): VolumeCondition {
  const backup = result?.backup
  if (!backup) return known
  const { state, suspect, corrupt, created, series, clockDoubt } = backup
  const at = findLatestMs(created, clockDoubt?.trusted)
  const goodAt = series ? findLatestMs(series.lastGood?.created) : isGood(backup) ? at : 0
  return {
    lastGoodAt: goodAt > 0 ? Math.max(goodAt, known.lastGoodAt ?? 0) : known.lastGoodAt,
    newest: isNewest ? { at, state, suspect, corrupt } : known.newest,
  }
}
