import { bytesToText, textToBytes } from '../../../lib/byte-paths.ts'
import { type Difference, diffPage } from '../../../restic/read/diff-trees.ts'
import { toFileInfo } from '../../../restic/read/file-info.ts'
import { volumeTree } from '../../../restic/read/volume-tree.ts'
import type { DiffPage, FileDiff } from '../../../wire/snapshot.ts'
import type { SeriesDiffQuestion } from '../../snapshots.ts'
import type { StoreParts } from '../../store-parts.ts'
import { findSnapshot } from './find-snapshot.ts'
import { openKnownSeries } from './open-series.ts'

/** Lists one page of the differences between two snapshots of a series. Throws NOT_FOUND. */
export async function diffSeries(
  store: StoreParts,
  { namespace, name, from, to, after, limit }: SeriesDiffQuestion,
  signal: AbortSignal,
): Promise<DiffPage> {
  await using opened = await openKnownSeries(store, namespace, name)
  const { repository, series } = opened
  const [older, newer] = [findSnapshot(series, from), findSnapshot(series, to)]
  await repository.loadIndex()
  const trees = {
    before: (await volumeTree(repository, older.file)).tree,
    after: (await volumeTree(repository, newer.file)).tree,
  }
  const resume = after === '' ? {} : { after: textToBytes(after) }
  const { differences, next } = await diffPage(repository, trees, { signal, limit, ...resume })
  const changes = differences.map(toFileDiff)
  return { changes, next: next && bytesToText(next), from: older.id, to: newer.id }
}

function toFileDiff({ change, path, before, after }: Difference): FileDiff {
  return {
    change,
    path: bytesToText(path),
    before: before && toFileInfo(before),
    after: after && toFileInfo(after),
  }
}
