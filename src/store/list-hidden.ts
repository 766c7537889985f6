import { messageOf } from '../lib/errors.ts'
import type { HiddenBackup, HiddenPage } from '../wire/hidden.ts'
import { listHiddenArchives } from './kinds/archive/hidden-archives.ts'
import { readHiddenSnapshots } from './kinds/series/hidden-snapshots.ts'
import { openNamespace } from './kinds/series/open-namespace.ts'
import { readWholeSeries } from './kinds/series/series.ts'
import { makeSeriesInfo } from './kinds/series/series-info.ts'
import type { StoreWorld } from './world.ts'

/** See Store.listHidden. If the repository cannot be read, the page has the archives, and a warning says why. */
export async function listHidden(
  world: StoreWorld,
  namespace: string,
  { after, limit }: { after: string; limit: number },
): Promise<HiddenPage> {
  const { hidden, next } = await listHiddenArchives(world, namespace, { after, limit })
  const snapshots = await listSnapshots(world, namespace)
  const fits = (one: HiddenBackup) => makeCursor(one) > after && (next === null || makeCursor(one) <= next)
  const merged = [...hidden, ...snapshots.filter(fits)]
  merged.sort((a, b) => (makeCursor(a) < makeCursor(b) ? -1 : 1))
  const page = merged.slice(0, limit)
  const last = page.at(-1)
  return { hidden: page, next: merged.length > limit && last ? makeCursor(last) : next }
}

/** The snapshots of a series come one after the other, by their time. */
function makeCursor({ backup: { name, created }, snapshot }: HiddenBackup): string {
  return snapshot === undefined ? name : `${name}/${created}/${snapshot}`
}

async function listSnapshots(world: StoreWorld, namespace: string): Promise<HiddenBackup[]> {
  const marks = await readHiddenSnapshots(world.driver, namespace)
  if (marks.size === 0) return []
  try {
    await using repository = await openNamespace(world, namespace)
    if (!repository) return []
    const all = await readWholeSeries(repository, namespace)
    return all.flatMap((series) =>
      series.snapshots.flatMap((one) => {
        if (!one.hidden) return []
        const backup = makeSeriesInfo(namespace, { ...series, snapshots: [one] })
        return { backup, mark: one.hidden, snapshot: one.id }
      }),
    )
  } catch (error) {
    world.warn(messageOf(error))
    return []
  }
}
