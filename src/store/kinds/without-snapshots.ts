import { BackupdError } from '../../lib/errors.ts'
import type { BackupInfo } from '../../wire/backup.ts'

/** Throws BAD_INPUT if a snapshot is named. */
export function hasNoSnapshots(snapshot: string | null): void {
  if (snapshot) throw new BackupdError('BAD_INPUT', 'it has no snapshots to pick from')
}

export async function plansNothing(): Promise<never> {
  throw new BackupdError('BAD_INPUT', 'only the recover of a snapshot can be planned: leave out "plan"')
}

/** Of a backup without a manifest; null if what `.meta` says of it cannot be relied on. */
export function legacySourceOf({ corrupt, source }: BackupInfo): string | null {
  return corrupt === null && source !== '' ? source : null
}
