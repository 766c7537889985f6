import type { z } from 'zod'
import { openKnownSeries } from '../../../store/kinds/series/open-series.ts'
import { infoOfSnapshot } from '../../../store/kinds/series/series-info.ts'
import { parseShape } from '../../../wire/json.ts'
import { QUESTIONS } from '../../../wire/questions.ts'
import type { Plugin } from '../../plugin.ts'
import { openToAnswer } from '../answering.ts'

const QUESTION = QUESTIONS.snapshots
type SnapshotsArgs = z.infer<typeof QUESTION.args>

/** One page of a series' snapshots, newest first, as wire snapshotPageSchema. Throws NOT_FOUND. */
export const backupSnapshotsPlugin: Plugin<SnapshotsArgs> = {
  name: QUESTION.action,
  answersAtOnce: true,
  parseArgs: (raw) => parseShape(QUESTION.what, raw, QUESTION.args),
  needs: () => [],
  async run({ namespace, name, after, limit }, context) {
    const store = await openToAnswer(context)
    await using opened = await openKnownSeries(store, namespace, name)
    const newestFirst = opened.series.snapshots.toReversed()
    // If the snapshot `after` was deleted meanwhile, the list ends: the reader must start again.
    const at = after === '' ? -1 : newestFirst.findIndex(({ id }) => id === after)
    const from = after !== '' && at === -1 ? newestFirst.length : at + 1
    const page = newestFirst.slice(from, from + limit)
    const next = from + limit < newestFirst.length ? (page.at(-1)?.id ?? null) : null
    return { state: 'success', reason: '', result: { snapshots: page.map(infoOfSnapshot), next } }
  },
}
