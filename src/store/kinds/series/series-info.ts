import { isoTime } from '../../../lib/clock.ts'
import { guessProcOfArchive } from '../../../wire/archive-name.ts'
import { type BackupInfo, isGood } from '../../../wire/backup.ts'
import { isUnusualHold } from '../../../wire/hold.ts'
import { MAX_LISTED_PINS } from '../../../wire/pin.ts'
import type { SnapshotInfo } from '../../../wire/snapshot.ts'
import { findRidTag, isOfMirror, type SeriesSnapshot, type SnapshotSeries } from './series.ts'

/** Describes a series as one backup, with the facts of its newest snapshot. */
export function makeSeriesInfo(namespace: string, series: SnapshotSeries): BackupInfo {
  const { name, source, snapshots } = series
  const infos = snapshots.map(makeSnapshotInfo)
  const newest = infos.at(-1)
  const lastGood = infos.findLast(({ good }) => good)
  const facts = snapshots.findLast(({ file }) => file.backupd)?.file.backupd
  const { app, proc } = facts ?? guessProcOfArchive(name)
  return {
    server: namespace,
    name,
    mode: 'increment',
    app,
    proc,
    source,
    volume: facts?.volume ?? '',
    instanceNo: facts?.instanceNo ?? 0,
    containers: facts?.containers ?? [],
    ...makeNewestInfo(newest),
    ...makeProofInfo(series),
    holds: listHoldsOfSeries(snapshots),
    sha256: null,
    hasIndex: false,
    durability: snapshots.at(-1)?.file.backupd?.durability ?? null,
    series: {
      snapshots: infos.length,
      newest: newest?.id ?? '',
      ...(snapshots.length > 0 && { oldestCreated: findOldestTime(snapshots) }),
      lastGood: lastGood ? { id: lastGood.id, created: lastGood.created } : null,
      ...makeDrillInfo(series),
    },
  }
}

/** The unusual ones first, which say how healthy the volume is; the list of snapshots has the pins that are left out. */
function listHoldsOfSeries(snapshots: readonly SeriesSnapshot[]): string[] {
  const all = [...new Set(snapshots.flatMap(({ holds = [] }) => holds))]
  const pins = all.filter((text) => !isUnusualHold(text))
  return [...all.filter(isUnusualHold), ...pins.slice(0, MAX_LISTED_PINS)]
}

/** A series counts as proven if no snapshot after its newest proven one is known to be damaged. */
function makeProofInfo({ snapshots, proof }: SnapshotSeries) {
  const last = snapshots.findLast(({ proof: own, corrupt }) => own !== undefined || corrupt !== null)
  return proof && last?.corrupt === null ? { verified: proof.at, proof } : { verified: null }
}

/** The newest snapshot that was drilled, unless a later one is known to be damaged. */
function makeDrillInfo({ snapshots }: SnapshotSeries) {
  const last = snapshots.findLast(({ drill, corrupt }) => drill !== undefined || corrupt !== null)
  return last?.drill && last.corrupt === null ? { drill: { ...last.drill, snapshot: last.id } } : {}
}

/** The facts of a series that are those of its newest snapshot. */
function makeNewestInfo(newest: SnapshotInfo | undefined) {
  return {
    size: newest?.size ?? 0,
    files: newest?.files ?? null,
    bytes: newest?.size ?? null,
    created: newest?.created ?? isoTime(0),
    sequence: newest?.sequence ?? 0,
    rid: newest?.rid ?? null,
    jobId: newest?.jobId ?? null,
    state: newest?.state ?? ('partial' as const),
    suspect: newest?.suspect ?? null,
    corrupt: newest?.corrupt ?? null,
    ...(newest?.clockDoubt && { clockDoubt: newest.clockDoubt }),
    ...(newest?.changedWhileRead && { changedWhileRead: newest.changedWhileRead }),
  }
}

/** By time, not by position: the clock may have been wrong. */
function findOldestTime(snapshots: readonly SeriesSnapshot[]): string {
  return isoTime(
    snapshots.reduce((oldest, { createdMs }) => Math.min(oldest, createdMs), Number.POSITIVE_INFINITY),
  )
}

/**
 * Snapshots that restic made, or rewrote to change tags, lack our facts: they count as success unless tagged
 * partial.
 */
export function makeSnapshotInfo(snapshot: SeriesSnapshot): SnapshotInfo {
  const { id, file, createdMs, corrupt } = snapshot
  const facts = file.backupd
  const state = facts?.state ?? (file.tags.includes('partial') ? 'partial' : 'success')
  const suspect = facts?.suspect ?? null
  return {
    id,
    created: isoTime(createdMs),
    sequence: facts?.sequence ?? 0,
    state,
    suspect,
    corrupt,
    ...(snapshot.proof && corrupt === null && { proof: snapshot.proof }),
    ...(snapshot.drill && corrupt === null && { drill: snapshot.drill }),
    good: isGood({ state, suspect, corrupt }),
    ...(snapshot.holds && { holds: [...snapshot.holds] }),
    mirror: isOfMirror(snapshot),
    ...(facts?.clockDoubt && { clockDoubt: facts.clockDoubt }),
    ...(facts?.changedWhileRead && { changedWhileRead: facts.changedWhileRead }),
    size: facts?.bytes ?? null,
    files: facts?.files ?? null,
    added: facts?.added ?? null,
    rid: findRidTag(file),
    jobId: facts?.jobId ?? null,
  }
}
