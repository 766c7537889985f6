import { textToBytes } from '../../../lib/byte-paths.ts'
import { isoTime } from '../../../lib/clock.ts'
import { fileHistory } from '../../../restic/read/file-history.ts'
import { toFileInfo } from '../../../restic/read/file-info.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import type { FileHistory, FileVersion } from '../../../wire/snapshot.ts'
import type { FileVersionsQuestion } from '../../snapshots.ts'
import type { StoreParts } from '../../store-parts.ts'
import { openKnownSeries } from './open-series.ts'
import type { SeriesSnapshot } from './series.ts'

/** Snapshots that are compared for one page. */
const WINDOW = 200

/**
 * Lists the versions of one path in a series, newest first. A page may be empty although more follow. Throws
 * NOT_FOUND.
 */
export async function fileVersions(
  store: StoreParts,
  { namespace, name, path, after }: FileVersionsQuestion,
): Promise<FileHistory> {
  await using opened = await openKnownSeries(store, namespace, name)
  const { repository, series } = opened
  await repository.loadIndex()
  const end = after === '' ? series.snapshots.length : findIndexOfId(series.snapshots, after)
  const from = Math.max(0, end - WINDOW)
  const versions = await versionsIn(repository, series.snapshots.slice(Math.max(0, from - 1), end), {
    path: textToBytes(path),
    isBegin: from === 0,
  })
  const next = from > 0 ? (series.snapshots[from]?.id ?? null) : null
  return { versions: versions.reverse(), next }
}

function findIndexOfId(snapshots: readonly SeriesSnapshot[], id: string): number {
  return Math.max(
    0,
    snapshots.findIndex((snapshot) => snapshot.id === id),
  )
}

/** Unless `isBegin`, the first snapshot only serves to compare the second with. */
async function versionsIn(
  repository: Repository,
  snapshots: readonly SeriesSnapshot[],
  { path, isBegin }: { path: Buffer; isBegin: boolean },
): Promise<FileVersion[]> {
  const points = snapshots.map(({ id, file }) => ({ id, snapshot: file }))
  const created = new Map(snapshots.map(({ id, createdMs }) => [id, isoTime(createdMs)]))
  const versions: FileVersion[] = []
  let isFirst = !isBegin
  for await (const { snapshot, entry, change } of fileHistory(repository, points, path)) {
    if (change && !isFirst)
      versions.push({
        snapshot,
        created: created.get(snapshot) ?? '',
        change,
        file: entry && toFileInfo(entry),
      })
    isFirst = false
  }
  return versions
}
