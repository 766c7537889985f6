// Increments: the snapshots of one volume form a series, which users see as one backup. The restic repository of a
// server has its snapshots, and src/restic reads and writes it. This folder adds what restic does not know: names of
// series (tags), the store's password, ownership, and notes about damage (`.damaged`) and due prunes (`.prune`).
// series.ts groups snapshots into series. find-backup.ts opens a series as a StoredBackup here, start-snapshot.ts adds a
// snapshot to one.

import { listSnapshotFolder } from '../../../restic/read/list-folder.ts'
import { volumeTree } from '../../../restic/read/volume-tree.ts'
import type { StoredBackup } from '../../stored-backup.ts'
import type { StoreWorld } from '../../world.ts'
import { findSnapshot } from './find-snapshot.ts'
import { openSnapshotFile } from './open-file.ts'
import { openNamespace } from './open-namespace.ts'
import { openSeries } from './open-series.ts'
import { openSnapshot } from './open-snapshot.ts'
import { makeSeriesInfo } from './series-info.ts'
import { verifySeries } from './verify-series.ts'

/**
 * Opens the increments of a volume; undefined if no series has this name. The repository is open until it is
 * disposed.
 */
export async function seriesBackup(
  world: StoreWorld,
  namespace: string,
  name: string,
): Promise<StoredBackup | undefined> {
  const opened = await openSeries({ repository: (of) => openNamespace(world, of) }, namespace, name)
  if (!opened) return undefined
  const { repository, series } = opened
  const read = { world, namespace, ...opened }
  return {
    info: makeSeriesInfo(namespace, series),
    async listFiles({ snapshot, ...question }) {
      const { id, file } = findSnapshot(series, snapshot)
      await repository.loadIndex()
      const page = await listSnapshotFolder(repository, await volumeTree(repository, file), question)
      return { ...page, snapshot: id }
    },
    openFile: (question, reader) => openSnapshotFile(read, question, reader),
    open: (snapshot, reader) => openSnapshot(read, snapshot, reader),
    verify: (run) => verifySeries(read, run),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  }
}
