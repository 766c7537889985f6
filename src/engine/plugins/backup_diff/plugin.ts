import { z } from 'zod'
import { bytesToText, textToBytes } from '../../../lib/byte-paths.ts'
import { type Difference, diffPage } from '../../../restic/read/diff-trees.ts'
import { fileInfoOf } from '../../../restic/read/file-info.ts'
import { volumeTree } from '../../../restic/read/volume-tree.ts'
import { findSnapshot } from '../../../store/kinds/series/find-snapshot.ts'
import { openKnownSeries } from '../../../store/kinds/series/open-series.ts'
import { parseShape } from '../../../wire/json.ts'
import type { FileDiff } from '../../../wire/snapshot.ts'
import type { Plugin } from '../../plugin.ts'
import { openQueryStore } from '../query-store.ts'

const diffArgsSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  from: z.string(),
  /** The newest one where none is named. */
  to: z.string().default(''),
  after: z.string().default(''),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
})
type DiffArgs = z.infer<typeof diffArgsSchema>

/** One page of what differs between two snapshots of a series, as wire diffPageSchema. Throws NOT_FOUND. */
export const backupDiffPlugin: Plugin<DiffArgs> = {
  name: 'backup_diff',
  query: true,
  parseArgs: (raw) => parseShape('The question for a difference', raw, diffArgsSchema),
  needs: () => [],
  async run({ namespace, name, from, to, after, limit }, context) {
    const { signal } = context
    await using opened = await openKnownSeries(await openQueryStore(context), namespace, name)
    const { repository, series } = opened
    const [older, newer] = [findSnapshot(series, from), findSnapshot(series, to)]
    await repository.loadIndex()
    const before = (await volumeTree(repository, older.file)).tree
    const after_ = (await volumeTree(repository, newer.file)).tree
    const resume = after === '' ? {} : { after: textToBytes(after) }
    const trees = { before, after: after_ }
    const { differences, next } = await diffPage(repository, trees, { signal, limit, ...resume })
    const result = { changes: differences.map(toFileDiff), next: next && bytesToText(next) }
    return { state: 'success', reason: '', result }
  },
}

function toFileDiff({ change, path, before, after }: Difference): FileDiff {
  return {
    ...{ change, path: bytesToText(path) },
    before: before && fileInfoOf(before),
    after: after && fileInfoOf(after),
  }
}
