import type { LegacyBackupFragment, LegacyFilesQuery } from '../../client/generated/operations.ts'
import { compareTexts } from '../../lib/compare-texts.ts'
import { goTime } from '../../lib/go-time.ts'

export function toLegacyBackup({ volume, name, size, created, instanceNo }: LegacyBackupFragment) {
  return { volume, name, size, created: goTime(created), instanceNo }
}

/** Sorts by instance, then by volume, then oldest first. `backups` must be newest first. */
export function sortInLegacyOrder(backups: readonly LegacyBackupFragment[]): LegacyBackupFragment[] {
  return backups
    .toReversed()
    .sort((one, other) => one.instanceNo - other.instanceNo || compareTexts(one.volume, other.volume))
}

type LegacyFile = NonNullable<LegacyFilesQuery['backup']>['files']['nodes'][number]

export function toLegacyFile({ path, type, size, modified }: LegacyFile) {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return { name, size, mod_time: goTime(modified), dir: type === 'DIRECTORY' }
}
