import { isoTime } from '../../../lib/clock.ts'
import type { HideRequest } from '../../../wire/hidden.ts'
import { orOfferNow } from '../../offer-now.ts'
import { changeHiddenSnapshots, type OwnSeries } from './hidden-snapshots.ts'
import { refuseHeldByNow } from './refuse-held.ts'
import type { SnapshotSeries } from './series.ts'

/**
 * Hides snapshots of the own namespace; one that is hidden already stays so to its own time. Throws CONFLICT if one of them is
 * held, before anything is hidden.
 */
export async function hideSnapshots(
  own: OwnSeries,
  all: readonly Pick<SnapshotSeries, 'name' | 'snapshots'>[],
  { by, windowMs }: HideRequest,
): Promise<void> {
  const { store } = own
  const nowMs = store.trustedNow()
  const mark = { at: isoTime(nowMs), until: isoTime(nowMs + windowMs), by }
  const hide = () =>
    changeHiddenSnapshots(own, async (hidden) => {
      const ids = await refuseHeldByNow(own, all)()
      const fresh = ids.filter((id) => !hidden.has(id))
      return new Map([...hidden, ...fresh.map((id) => [id, mark] as const)])
    })
  await orOfferNow(() => store.withReserve(hide))
}
