import { removeStaleLocks } from '../restic/repository/remove-stale-locks.ts'
import { findArchiveRuns } from './archive-runs.ts'
import { beginBackup } from './begin-backup.ts'
import { findMirror } from './find-backup.ts'
import { listDueArchives, recountHidden } from './kinds/archive/due-archives.ts'
import { emptyTrash } from './kinds/mirror/empty-trash.ts'
import { listWithSeries } from './kinds/series/list-with-series.ts'
import { openNamespace, openOwnRepository } from './kinds/series/open-namespace.ts'
import { holdArchive } from './mark-backup.ts'
import { findOldestBackups } from './oldest.ts'
import { asOwner, assertOwner } from './owner.ts'
import { checkRemovable, finishWaitingDeletes, removeBackups } from './remove-backups.ts'
import { keepReserve, withReserve } from './reserve.ts'
import type { StoreParts } from './store-parts.ts'
import type { StoreWorld } from './world.ts'

export function createStoreParts(world: StoreWorld): StoreParts {
  return {
    driver: world.driver,
    trustedNow: () => world.trustedNow(),
    assertOwner: async () => void (await assertOwner(world)),
    begin: (input) => asOwner(world, () => beginBackup(world, input)),
    list: (namespace, options) => listWithSeries(world, namespace, options),
    findMirror: (namespace, name) => findMirror(world, namespace, name),
    findRuns: (volume) => findArchiveRuns(world, volume),
    hold: (name, reason) => holdArchive(world, name, reason),
    oldest: (namespace) => findOldestBackups(world, namespace),
    repository: (namespace) => openNamespace(world, namespace),
    ownRepository: () => asOwner(world, () => openOwnRepository(world)),
    withReserve: (act) => withReserve(world, act),
    keepReserve: () => keepReserve(world),
    checkRemovable: (names) => checkRemovable(world, names),
    remove: (names, stillDue) => asOwner(world, () => removeBackups(world, names, stillDue)),
    finishDeletes: () => finishWaitingDeletes(world),
    listDueHidden: () => listDueArchives(world),
    countHidden: () => recountHidden(world),
    sweep: (signal) => asOwner(world, () => emptyTrash(world, signal)),
    removeStaleLocks: (dataDir) => removeStaleLocks(world.driver, dataDir),
  }
}
