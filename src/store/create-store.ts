import { parseNamespace } from '../wire/namespace.ts'
import { claimNamespace } from './claim-namespace.ts'
import { createStoreParts } from './create-store-parts.ts'
import { deleteStoredBackups } from './delete-backups.ts'
import { expireBackups } from './expire-backups.ts'
import { findBackup } from './find-backup.ts'
import { offerHiddenRoom } from './hidden-room.ts'
import { hideBackups } from './hide-backups.ts'
import { deleteSeriesSnapshots, hideSeriesSnapshots } from './kinds/series/delete-snapshots.ts'
import { diffSeries } from './kinds/series/diff-snapshots.ts'
import { fileVersions } from './kinds/series/file-versions.ts'
import { listSeriesSnapshots } from './kinds/series/list-snapshots.ts'
import { preparePassword } from './kinds/series/prepare-password.ts'
import { listHidden } from './list-hidden.ts'
import { listNamespaceProblems } from './namespace-problems.ts'
import { asOwner } from './owner.ts'
import { addPin, releasePin } from './pins.ts'
import { releaseUnusualHolds } from './release-unusual-holds.ts'
import { restoreBackups } from './restore-backups.ts'
import { settleNamespace } from './settle.ts'
import type { SeriesSnapshots } from './snapshots.ts'
import { startBackup } from './start-backup.ts'
import type { Store } from './store.ts'
import type { StoreParts } from './store-parts.ts'
import { sumHidden } from './sum-hidden.ts'
import { listNamespaces, listUnknownObjects } from './unknown-objects.ts'
import type { StoreWorld } from './world.ts'

/** Creates a store over any driver. Throws BAD_INPUT if the identity's `ip` is not an IP. */
export function createStore(world: StoreWorld): Store {
  const ip = parseNamespace(world.identity.ip)
  const parts = createStoreParts(world)
  return {
    driver: world.driver,
    claim: (takeOver, options) => claimNamespace(world, takeOver, options),
    preparePassword: () => preparePassword(world),
    settle: () => asOwner(world, () => settleNamespace(world)),
    removeStaleLocks: parts.removeStaleLocks,
    problems: () => listNamespaceProblems(world),
    namespaces: () => listNamespaces(world),
    unknown: (namespace) => listUnknownObjects(world, namespace),
    list: parts.list,
    find: (namespace, name, options) => findBackup(world, { namespace, name }, options),
    startBackup: (task) => offerHiddenRoom({ driver: world.driver, ip }, () => startBackup(parts, task)),
    delete: (names, reader) => deleteStoredBackups({ store: parts, ip }, names, reader),
    hide: (names, request, reader) => hideBackups({ world, parts, ip, reader }, names, request),
    restoreHidden: (wanted, reader) =>
      asOwner(world, () => restoreBackups({ world, parts, ip, reader }, wanted)),
    listHidden: (namespace, page) => listHidden(world, namespace, page),
    sumHidden: () => sumHidden(world),
    expire: (rules, run) => expireBackups(parts, rules, run),
    acknowledgeUnusual: (name) => releaseUnusualHolds({ world, parts, ip }, name),
    pin: (thing, pin, reader) => addPin({ world, parts, ip, reader }, thing, pin),
    releasePin: (thing, id, reader) => releasePin({ world, parts, ip, reader }, thing, id),
    snapshots: createSeriesSnapshots(parts, ip),
  }
}

function createSeriesSnapshots(store: StoreParts, ip: string): SeriesSnapshots {
  return {
    list: (question) => listSeriesSnapshots(store, question),
    diff: (question, signal) => diffSeries(store, question, signal),
    listVersions: (question) => fileVersions(store, question),
    delete: (wanted, reader) => deleteSeriesSnapshots({ store, ip }, wanted, reader),
    hide: (wanted, request) => hideSeriesSnapshots({ store, ip }, wanted, request),
  }
}
