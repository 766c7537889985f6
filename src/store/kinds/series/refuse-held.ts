import { BackupdError } from '../../../lib/errors.ts'
import type { StoreParts } from '../../store-parts.ts'
import { readHolds } from './hold-note.ts'
import type { SeriesSnapshot } from './series.ts'

/** Throws CONFLICT if one of the snapshots is held, before anything is deleted. */
export function refuseHeld(snapshots: readonly SeriesSnapshot[]): void {
  const held = snapshots.find(({ holds }) => holds)
  if (!held) return
  const what = `Cannot delete the snapshot ${held.id.slice(0, 8)}: it is held (${held.holds?.join(', ')})`
  throw new BackupdError('CONFLICT', `${what}. Release it first; nothing was deleted`)
}

/** Those that are not held by now: the run that an exclusive lock waited for may have held one. */
export function leaveOutHeld(
  { store, ip }: { store: Pick<StoreParts, 'driver'>; ip: string },
  ids: readonly string[],
): () => Promise<string[]> {
  return async () => {
    const findHolds = await readHolds(store.driver, ip)
    return ids.filter((id) => findHolds(id).length === 0)
  }
}
