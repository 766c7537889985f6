import { listSnapshotFolder } from '../../../restic/read/list-folder.ts'
import { volumeTree } from '../../../restic/read/volume-tree.ts'
import { findSnapshot } from '../../../store/kinds/series/find-snapshot.ts'
import { openSeries } from '../../../store/kinds/series/open-series.ts'
import type { Store } from '../../../store/store.ts'
import { parseBackupName } from '../../../wire/archive-name.ts'
import type { FilePage } from '../../../wire/daemon-api.ts'
import type { FolderQuestion } from './list-folder.ts'

export interface SeriesFolderQuestion extends FolderQuestion {
  namespace: string
  name: string
  /** The newest where none is named. */
  snapshot: string
}

/** A folder of a series' snapshot; undefined where there is no series of this name. */
export async function seriesPage(
  store: Store,
  question: SeriesFolderQuestion,
): Promise<FilePage | undefined> {
  const { namespace, name, snapshot } = question
  if (parseBackupName(name)) return undefined
  await using opened = await openSeries(store, namespace, name)
  if (!opened) return undefined
  const { file } = findSnapshot(opened.series, snapshot)
  await opened.repository.loadIndex()
  return await listSnapshotFolder(opened.repository, await volumeTree(opened.repository, file), question)
}
