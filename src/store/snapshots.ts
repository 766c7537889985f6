import { deleteSeriesSnapshots } from './kinds/series/delete-snapshots.ts'
import { diffSeries } from './kinds/series/diff-snapshots.ts'
import { fileVersions } from './kinds/series/file-versions.ts'
import { listSeriesSnapshots } from './kinds/series/list-snapshots.ts'

/**
 * What a series of snapshots offers beyond a StoredBackup; wire `hasSnapshots` tells which backups are one. All throw
 * NOT_FOUND if no series has the name.
 */
export const seriesSnapshots = {
  list: listSeriesSnapshots,
  diff: diffSeries,
  listVersions: fileVersions,
  delete: deleteSeriesSnapshots,
} as const
