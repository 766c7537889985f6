import { BackupdError } from '../../lib/errors.ts'
import type { BackupInfo } from '../../wire/backup.ts'

// What archives and mirrors have in common, because they are not series of snapshots.

/** Throws BAD_INPUT if a snapshot is named. */
export function refuseSnapshot(snapshot: string | null): void {
  if (snapshot) throw new BackupdError('BAD_INPUT', 'it has no snapshots to pick from')
}

export async function refusePlan(): Promise<never> {
  throw new BackupdError('BAD_INPUT', 'only the recover of a snapshot can be planned: leave out "plan"')
}

/** The source path of a backup without a manifest, from `.meta`; null if that entry cannot be trusted. */
export function findLegacySource({ corrupt, source }: BackupInfo): string | null {
  return corrupt === null && source !== '' ? source : null
}
