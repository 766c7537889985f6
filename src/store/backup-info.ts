import { isoTime } from '../lib/clock.ts'
import { findArchiveOfBackup, parseBackupName, procOfArchive } from '../wire/archive-name.ts'
import { type BackupEntity, type BackupInfo, type Manifest, WITHOUT_MANIFEST } from '../wire/backup.ts'
import { isMoment } from '../wire/fields.ts'
import { parseLegacySource } from '../wire/legacy-source.ts'

/** What a listing of the store's folder shows of a backup. */
export interface FoundBackup {
  namespace: string
  name: string
  /** Bytes; null if the archive itself is missing. */
  size: number | null
}

/** A backup with a manifest. A missing archive, or one of the wrong size, is corrupt whatever the manifest says. */
export function makeManifestInfo(manifest: Manifest, { namespace, name, size }: FoundBackup): BackupInfo {
  const { mode, app, proc, volume, instanceNo, source, containers, created, sequence, rid, jobId } = manifest
  const {
    state,
    suspect,
    verified,
    proof,
    drilled,
    holds,
    sha256,
    files,
    bytes,
    durability,
    clockDoubt,
    changedWhileRead,
  } = manifest
  return {
    server: namespace,
    name,
    mode,
    app,
    proc,
    volume,
    instanceNo,
    source,
    containers,
    created,
    sequence,
    rid,
    jobId,
    state,
    suspect,
    verified,
    ...(proof && { proof }),
    ...(drilled !== undefined && { drilled }),
    holds,
    sha256,
    files,
    bytes,
    durability,
    ...(clockDoubt && { clockDoubt }),
    ...(changedWhileRead && { changedWhileRead }),
    size: manifest.size,
    corrupt: manifest.corrupt?.reason ?? damage(manifest.size, size),
    hasIndex: manifest.index !== null,
    series: null,
  }
}

function damage(expected: number, size: number | null): string | null {
  if (size === expected) return null
  return size === null ? 'the archive is missing' : `the archive is ${size} bytes, expected ${expected}`
}

/** Anybody can have put such a file there: it is listed, because it may be a backup, but does not count as good. */
const UNDESCRIBED = 'neither a manifest nor .meta describes it'

/**
 * A backup without a usable manifest: described by its `.meta` entry, or else by its name. Its sequence is 0, so it
 * sorts before all backups with a manifest. `problem` says why an existing manifest could not be used.
 */
export function makeEntityInfo(
  entity: BackupEntity | undefined,
  found: FoundBackup,
  problem: string | null = null,
): BackupInfo {
  const { namespace, name, size } = found
  const volume = entity?.volume ?? ''
  const instanceNo = entity?.instanceNo ?? 0
  return {
    server: namespace,
    name,
    // An entry cannot make a mirror, which is not signed, of a full backup.
    mode: parseBackupName(name) ? 'full' : (entity?.mode ?? 'full'),
    ...procOfArchive(findArchiveOfBackup(name), { volume, instanceNo }),
    volume,
    instanceNo,
    source: parseLegacySource(entity?.source ?? '').source,
    containers: entity?.containers ?? [],
    size: size ?? entity?.size ?? 0,
    created: readCreatedTime(entity, name),
    sequence: 0,
    rid: null,
    jobId: null,
    state: 'success',
    suspect: entity || problem !== null ? null : UNDESCRIBED,
    corrupt: problem,
    holds: [],
    ...WITHOUT_MANIFEST,
  }
}

function readCreatedTime(entity: BackupEntity | undefined, name: string): string {
  if (entity && isMoment(entity.created)) return entity.created
  return isoTime((parseBackupName(name)?.seconds ?? 0) * 1000)
}
