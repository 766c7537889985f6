import { removeStaleLocks } from '../restic/repository/remove-stale-locks.ts'
import { parseNamespace } from '../wire/namespace.ts'
import { beginBackup } from './begin-backup.ts'
import { claimNamespace } from './claim-namespace.ts'
import { findArchive, findBackup, findMirror } from './find-backup.ts'
import { emptyTrash } from './kinds/mirror/empty-trash.ts'
import { listWithSeries } from './kinds/series/list-with-series.ts'
import { openNamespace, openOwnRepository } from './kinds/series/open-namespace.ts'
import { preparePassword } from './kinds/series/prepare-password.ts'
import { findNewestManifest } from './list-backups.ts'
import { listNamespaceProblems } from './namespace-problems.ts'
import { findOldestBackups } from './oldest.ts'
import { assertOwner } from './owner.ts'
import { checkRemovable, removeBackups } from './remove-backups.ts'
import { keepReserve, withReserve } from './reserve.ts'
import { settleNamespace } from './settle.ts'
import type { Store } from './store.ts'
import { listNamespaces, listUnknownObjects } from './unknown-objects.ts'
import type { StoreWorld } from './world.ts'

/** Creates a store over any driver. Throws BAD_INPUT if the identity's `ip` is not an IP. */
export function createStore(world: StoreWorld): Store {
  parseNamespace(world.identity.ip)
  /** Before anything is created, the lock included: an empty mount point of an unmounted store stays empty. */
  const asOwner = async <T>(act: () => Promise<T>): Promise<T> => {
    await assertOwner(world)
    return act()
  }
  return {
    driver: world.driver,
    claim: (takeOver, options) => claimNamespace(world, takeOver, options),
    assertOwner: async () => void (await assertOwner(world)),
    begin: (input) => asOwner(() => beginBackup(world, input)),
    list: (namespace, options) => listWithSeries(world, namespace, options),
    find: (namespace, name) => findBackup(world, namespace, name),
    findArchive: (namespace, name) => findArchive(world, namespace, name),
    findMirror: (namespace, name) => findMirror(world, namespace, name),
    newest: (namespace, source) => findNewestManifest(world, { namespace, source }),
    oldest: (namespace) => findOldestBackups(world, namespace),
    repository: (namespace) => openNamespace(world, namespace),
    ownRepository: () => asOwner(() => openOwnRepository(world)),
    withReserve: (act) => withReserve(world, act),
    keepReserve: () => keepReserve(world),
    preparePassword: () => preparePassword(world),
    problems: () => listNamespaceProblems(world),
    checkRemovable: (names) => checkRemovable(world, names),
    remove: (names, stillDue) => asOwner(() => removeBackups(world, names, stillDue)),
    sweep: (signal) => asOwner(() => emptyTrash(world, signal)),
    namespaces: () => listNamespaces(world),
    unknown: (namespace) => listUnknownObjects(world, namespace),
    settle: () => asOwner(() => settleNamespace(world)),
    removeStaleLocks: (dataDir) => removeStaleLocks(world.driver, dataDir),
  }
}
