// Like mapper.ts, for the content of increments.

import type { World } from '../domain/world.ts'
import type { BackupInfo } from '../wire/backup.ts'
import { MAX_PINS } from '../wire/pin.ts'
import type { DiffPage, FileDiff, FileHistory, SnapshotInfo } from '../wire/snapshot.ts'
import { toFile } from './file-mapper.ts'
import { toHolds, toProvenRestorable } from './mapper.ts'
import type { Connection } from './types/connection.ts'
import type { FileChange, FileVersion, Snapshot } from './types/snapshot.ts'

export function toSnapshot(world: World, info: SnapshotInfo): Snapshot {
  const { id, created, good, mirror, state, suspect, corrupt, size, files, added, rid } = info
  const counts = { size, fileCount: files, bytesAdded: added }
  const marks = { good, mirror, partial: state === 'partial', clockInDoubt: info.clockDoubt !== undefined }
  const changedWhileRead = info.changedWhileRead ?? null
  const verified = info.proof ?? null
  const kept = toHolds(world, info.holds ?? [], MAX_PINS)
  return {
    id,
    created,
    ...marks,
    changedWhileRead,
    suspect,
    corrupt,
    verified,
    provenRestorable: toProvenRestorable(info.proof, info.drill && { ...info.drill, snapshot: id }),
    ...kept,
    ...counts,
    rid,
    info,
  }
}

export function toChanges({ changes, next, from, to }: DiffPage, backup: BackupInfo): Connection<FileChange> {
  const toEdge = ({ before, after, ...change }: FileDiff) => {
    const files = { before: toFile(before, backup, from), after: toFile(after, backup, to) }
    return { cursor: change.path, node: { ...change, ...files } }
  }
  return uncounted(changes.map(toEdge), next)
}

export function toVersions({ versions, next }: FileHistory, backup: BackupInfo): Connection<FileVersion> {
  const toEdge = (version: FileHistory['versions'][number]) => {
    const file = toFile(version.file, backup, version.snapshot)
    return { cursor: version.snapshot, node: { ...version, file } }
  }
  return uncounted(versions.map(toEdge), next)
}

/** @param next the cursor to continue with, even after an empty page */
function uncounted<T>(edges: { cursor: string; node: T }[], next: string | null): Connection<T> {
  return {
    edges,
    nodes: edges.map(({ node }) => node),
    pageInfo: { hasNextPage: next !== null, endCursor: next ?? edges.at(-1)?.cursor ?? null },
    totalCount: null,
  }
}
