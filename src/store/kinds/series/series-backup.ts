import { listSnapshotFolder } from '../../../restic/read/list-folder.ts'
import { volumeTree } from '../../../restic/read/volume-tree.ts'
import type { StoredBackup } from '../../stored-backup.ts'
import type { StoreWorld } from '../../world.ts'
import { findSnapshot } from './find-snapshot.ts'
import { openNamespace } from './open-namespace.ts'
import { openSeries } from './open-series.ts'
import { openSnapshot } from './open-snapshot.ts'
import { infoOfSeries } from './series-info.ts'
import { verifySeries } from './verify-series.ts'

/** The increments of a volume; undefined if there is no series of this name. Its repository stays open meanwhile. */
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
    info: infoOfSeries(namespace, series),
    async listFiles({ snapshot, ...question }) {
      const { file } = findSnapshot(series, snapshot)
      await repository.loadIndex()
      return await listSnapshotFolder(repository, await volumeTree(repository, file), question)
    },
    open: (snapshot, reader) => openSnapshot(read, snapshot, reader),
    verify: (reader, onProgress) => verifySeries(read, reader, onProgress),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  }
}
