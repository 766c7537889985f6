// The kinds of backups: archive/ (full backups), series/ (increments) and mirror/ (increments of the legacy system). Each
// implements StoredBackup of ../stored-backup.ts; find-backup.ts and start-backup.ts choose one. A kind knows the format
// it reads and writes (src/archive, src/restic), but no other kind: what two share lies directly in this folder.
// This file has what archives and mirrors share, because they are not series of snapshots.

import { BackupdError } from '../../lib/errors.ts'
import type { BackupInfo } from '../../wire/backup.ts'

/** Throws BAD_INPUT if a snapshot is named. */
export function refuseSnapshot(snapshot: string | null): void {
  if (snapshot) throw new BackupdError('BAD_INPUT', 'it has no snapshots to pick from')
}

/** The source path of a backup without a manifest, from `.meta`; null if that entry cannot be trusted. */
export function findLegacySource({ corrupt, source }: BackupInfo): string | null {
  return corrupt === null && source !== '' ? source : null
}
