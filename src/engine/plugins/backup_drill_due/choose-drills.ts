import { type BackupInfo, isGood } from '../../../wire/backup.ts'
import { MAX_DRILL_BYTES } from '../../../wire/drill.ts'
import type { DrillPlan } from '../../../wire/drill-schedule.ts'

/** A round drills at most so many; the next one begins with the others. */
const MAX_PLANNED = 1000

/** The newest good backup of a volume and mode. */
interface Candidate {
  backup: BackupInfo
  /** Unix ms of the last drill of any backup of this volume and mode; 0 if there was none. */
  drilledMs: number
}

/**
 * The newest good backup of each volume and mode; the one comes first whose volume was drilled the longest ago. Left out are those
 * that a drill cannot compare: archives without an index and mirrors; and those that are larger than a drill may be.
 */
export function chooseDrills(backups: readonly BackupInfo[]): DrillPlan {
  const groups = Map.groupBy(backups.filter(canBeDrilled), ({ mode, source }) => `${mode} ${source}`)
  const candidates = [...groups.values()].flatMap(findCandidate)
  const fitting = candidates.filter(({ backup: { bytes, size } }) => (bytes ?? size) <= MAX_DRILL_BYTES)
  const next = fitting.sort((one, other) => one.drilledMs - other.drilledMs)
  return { next: next.slice(0, MAX_PLANNED).map(toNext), tooLarge: candidates.length - fitting.length }
}

/** Of a series, the newest snapshot may not be good: the drill itself takes the newest one that is. */
function canBeDrilled({ series, hasIndex, ...backup }: BackupInfo): boolean {
  if (series !== null) return series.lastGood !== null
  return hasIndex && isGood(backup)
}

function findCandidate(backups: readonly BackupInfo[]): Candidate[] {
  const [backup] = backups.toSorted((one, other) => other.sequence - one.sequence)
  const drilledMs = backups.reduce((latest, each) => Math.max(latest, readDrillMs(each)), 0)
  return backup ? [{ backup, drilledMs }] : []
}

function readDrillMs({ series, drilled }: BackupInfo): number {
  const at = series === null ? drilled : series.drill?.at
  return at === undefined ? 0 : Date.parse(at)
}

function toNext({ backup }: Candidate): DrillPlan['next'][number] {
  const { app, proc, name, server, mode, source, bytes } = backup
  return { app, proc, backup: name, namespace: server, mode, source, bytes }
}
