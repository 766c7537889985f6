import { isoTime } from '../../../lib/clock.ts'
import { guessProcOfArchive } from '../../../wire/archive-name.ts'
import { type BackupInfo, isGood } from '../../../wire/backup.ts'
import type { SnapshotInfo } from '../../../wire/snapshot.ts'
import { isOfMirror, ridOf, type SeriesSnapshot, type SnapshotSeries } from './series.ts'

/** A series as users see it: under one name, with what its newest snapshot tells. */
export function infoOfSeries(namespace: string, { name, source, snapshots }: SnapshotSeries): BackupInfo {
  const infos = snapshots.map(infoOfSnapshot)
  const newest = infos.at(-1)
  const lastGood = infos.findLast(({ good }) => good)
  const facts = snapshots.findLast(({ file }) => file.backupd)?.file.backupd
  const { app, proc } = facts ?? guessProcOfArchive(name)
  return {
    ...{ server: namespace, name, mode: 'increment', app, proc, source },
    ...{
      volume: facts?.volume ?? '',
      instanceNo: facts?.instanceNo ?? 0,
      containers: facts?.containers ?? [],
    },
    ...{ size: newest?.size ?? 0, files: newest?.files ?? null, bytes: newest?.size ?? null },
    ...{ created: newest?.created ?? isoTime(0), sequence: newest?.sequence ?? 0 },
    ...{ rid: newest?.rid ?? null, jobId: newest?.jobId ?? null },
    ...{ state: newest?.state ?? 'partial', suspect: newest?.suspect ?? null },
    ...{ corrupt: newest?.corrupt ?? null, verified: null, holds: [], sha256: null, hasIndex: false },
    durability: snapshots.at(-1)?.file.backupd?.durability ?? null,
    ...(newest?.clockDoubt && { clockDoubt: newest.clockDoubt }),
    ...(newest?.changedWhileRead && { changedWhileRead: newest.changedWhileRead }),
    series: {
      snapshots: infos.length,
      newest: newest?.id ?? '',
      ...(snapshots.length > 0 && { oldestCreated: oldestOf(snapshots) }),
      lastGood: lastGood ? { id: lastGood.id, created: lastGood.created } : null,
    },
  }
}

/** By time and not by order: a clock may have been wrong. */
function oldestOf(snapshots: readonly SeriesSnapshot[]): string {
  return isoTime(
    snapshots.reduce((oldest, { createdMs }) => Math.min(oldest, createdMs), Number.POSITIVE_INFINITY),
  )
}

/** What restic made, or changed the tags of, has no facts of ours: it counts as whole unless its tag says partial. */
export function infoOfSnapshot(snapshot: SeriesSnapshot): SnapshotInfo {
  const { id, file, createdMs, corrupt } = snapshot
  const facts = file.backupd
  const state = facts?.state ?? (file.tags.includes('partial') ? 'partial' : 'success')
  const suspect = facts?.suspect ?? null
  return {
    ...{ id, created: isoTime(createdMs), sequence: facts?.sequence ?? 0 },
    ...{ state, suspect, corrupt, good: isGood({ state, suspect, corrupt }) },
    mirror: isOfMirror(snapshot),
    ...(facts?.clockDoubt && { clockDoubt: facts.clockDoubt }),
    ...(facts?.changedWhileRead && { changedWhileRead: facts.changedWhileRead }),
    ...{ size: facts?.bytes ?? null, files: facts?.files ?? null, added: facts?.added ?? null },
    ...{ rid: ridOf(file), jobId: facts?.jobId ?? null },
  }
}
