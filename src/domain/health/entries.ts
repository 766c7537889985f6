import { findLatestMs } from '../../lib/clock.ts'
import { isGood } from '../../wire/backup.ts'
import { findUnusualHold } from '../../wire/hold.ts'
import type { RunRecord } from '../../wire/record.ts'
import type { EndedRun, KeptJobHealth, UnusualRun, VolumeCondition } from '../health-ports.ts'
import type { ConditionKey } from '../ports.ts'
import type { JobEntry } from './job-entry.ts'
import { parseStanding, type Standing } from './states.ts'

/** What the catalog knows of a job. */
export interface LoadedJob {
  /** Its own row, or that of the job it inherits from. */
  row: KeptJobHealth | undefined
  lastRun: EndedRun | null
  condition: VolumeCondition
}

export function makeConditionKey({ planned: { server, volume }, mode }: JobEntry): ConditionKey {
  return { server, source: volume?.path ?? '', mode, app: volume?.app ?? '' }
}

/**
 * Hands on what is known of a job that the plan no longer has to the one of its volume and mode that replaces it, because
 * the schedule or something else of it was edited: what was wrong stays wrong. Planned times count again only if the
 * schedule is another one.
 */
export function inheritFacts(entry: JobEntry, earlier: JobEntry): void {
  const { planned } = entry
  const isSameSpec = earlier.planned.spec === planned.spec
  entry.condition = earlier.condition
  entry.standing = earlier.standing
  if (earlier.planned.server !== planned.server) return
  entry.inherits = earlier.inherits ?? earlier.planned.id
  entry.lastRun = earlier.lastRun
  entry.proofFrom = earlier.proofFrom
  entry.pausedSince = earlier.pausedSince
  if (isSameSpec) entry.countedFrom = earlier.countedFrom
}

/** Before the catalog was read, nothing is known. */
export function readStanding({ isLoaded, standing, countedFrom }: JobEntry): Standing {
  return isLoaded ? standing : { UNKNOWN: countedFrom }
}

export function toKept(entry: JobEntry): KeptJobHealth {
  const { planned, countedFrom, pausedSince, inherits, standing, proofFrom } = entry
  const kept = { ...standing, ...(proofFrom !== null && { proofFrom }) }
  return { jobId: planned.id, countedFrom, pausedSince, inherits, standing: kept }
}

/** @param row of the entry itself, or of the job that it inherits from */
export function applyKept(entry: JobEntry, row: KeptJobHealth): void {
  entry.standing = { ...parseStanding(row.standing), ...entry.standing }
  entry.pausedSince ??= row.pausedSince
  const { proofFrom } = row.standing
  if (typeof proofFrom === 'number') entry.proofFrom ??= proofFrom
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
  const held = [backup, ...(result.changed ?? [])].flatMap(({ holds }) => holds)
  const { state, suspect, corrupt, created, series, clockDoubt } = backup
  const at = findLatestMs(created, clockDoubt?.trusted)
  const goodAt = series ? findLatestMs(series.lastGood?.created) : isGood(backup) ? at : 0
  return {
    provenAt: known.provenAt,
    lastGoodAt: goodAt > 0 ? Math.max(goodAt, known.lastGoodAt ?? 0) : known.lastGoodAt,
    newest: isNewest ? { at, state, suspect, corrupt } : known.newest,
    // A series tells all that is held; an archive only what is held because of it.
    unusual: series ? readUnusual(held) : (known.unusual ?? readUnusual(held)),
  }
}

/** The first unusual run among the reasons to keep backups; null if there is none. */
export function readUnusual(holds: readonly string[]): UnusualRun | null {
  const hold = findUnusualHold(holds)
  return hold ? { at: Date.parse(hold.at), because: hold.because.slice(0, 500) } : null
}
