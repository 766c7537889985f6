import { BackupdError } from '../../../lib/errors.ts'
import { volumeTree } from '../../../restic/read/volume-tree.ts'
import { lockForReading, type ReadLock } from '../../../restic/repository/read-lock.ts'
import { measureRestore } from '../../../restic/restore/measure-restore.ts'
import { planRestore } from '../../../restic/restore/plan-restore.ts'
import type { RestorePlan } from '../../../restic/restore/plan-tally.ts'
import { restoreTree } from '../../../restic/restore/restore-tree.ts'
import { findTrustedSnapshot } from '../../../store/kinds/series/find-trusted-snapshot.ts'
import { type OpenSeries, openSeries } from '../../../store/kinds/series/open-series.ts'
import type { SeriesSnapshot } from '../../../store/kinds/series/series.ts'
import { infoOfSnapshot } from '../../../store/kinds/series/series-info.ts'
import type { Store } from '../../../store/store.ts'
import { parseBackupName } from '../../../wire/archive-name.ts'
import type { RecoverArgs } from '../../../wire/job.ts'
import type { RecoverPlan } from '../../../wire/snapshot.ts'
import type { RunContext } from '../../plugin.ts'
import { noteIfDamaged, noteNotDamaged, type ReadSnapshot } from '../note-damage.ts'
import type { RecoverSource } from './recover-source.ts'

/** A slice of a prune holds the repository for moments; somebody's restic may take longer. */
const LOCK_WAIT_MS = 5 * 60_000
const NAMED = 1000
const UNKNOWN = Number.POSITIVE_INFINITY

/**
 * A snapshot of a series; undefined where there is no series of this name. The repository stays locked meanwhile, that
 * of another server too, where the store can be written: its prune could take away what is being read.
 */
export async function seriesSource(
  store: Store,
  { namespace, backup, snapshot }: RecoverArgs,
  context: RunContext,
): Promise<RecoverSource | undefined> {
  if (parseBackupName(backup)) return undefined
  await using parts = new AsyncDisposableStack()
  const opened = parts.use((await openSeries(store, namespace, backup)) ?? null)
  if (!opened) return undefined
  const { found, notice } = findTrustedSnapshot(opened.series, snapshot)
  if (notice !== null) context.warn(notice)
  const { signal, settings } = context
  const warn = (message: string) => context.warn(message)
  const locking = { dataDir: settings.dataDir, waitMs: LOCK_WAIT_MS, signal, warn }
  const lock = parts.use(await lockForReading(opened.repository, locking))
  if (!lock.snapshots.includes(found.id)) throw goneMeanwhile(found.id)
  const read = { store, repository: opened.repository, namespace, id: found.id, context }
  const noting = noterOf(read, lock)
  const source = await noting(() => sourceOf(opened, found))
  const owned = parts.move()
  return {
    ...source,
    async fill(into, chosen) {
      const summary = await noting(() => source.fill(into, chosen))
      const isWhole = chosen === null && summary.faults === 0
      if (isWhole && found.corrupt !== null) await noteNotDamaged(read)
      return summary
    },
    plan: (question) => noting(() => source.plan(question)),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Without the lock, what is missing may only have been pruned meanwhile. */
function noterOf(read: ReadSnapshot, lock: ReadLock) {
  return async <T>(act: () => Promise<T>): Promise<T> => {
    try {
      return await act()
    } catch (error) {
      if (lock.isHeld()) await noteIfDamaged(read, error)
      throw error
    }
  }
}

function goneMeanwhile(id: string): BackupdError {
  const what = `the snapshot ${id.slice(0, 8)} was deleted meanwhile: choose another one`
  return new BackupdError('NOT_FOUND', what, { facts: { snapshot: id } })
}

async function sourceOf(
  { repository }: OpenSeries,
  found: SeriesSnapshot,
): Promise<Omit<RecoverSource, typeof Symbol.asyncDispose>> {
  const { state, suspect, size, files } = infoOfSnapshot(found)
  const volume = await volumeTree(repository, found.file)
  return {
    ...{ legacySource: null, state, suspect },
    totals: size === null || files === null ? null : { bytes: size, files },
    // Holes and further names of hard links are in it too.
    needs: { bytes: size ?? UNKNOWN, entries: found.file.backupd?.entries ?? UNKNOWN },
    measure: (chosen, signal) =>
      measureRestore({ source: repository, volume, signal, ...(chosen && { chosen }) }),
    fill: (into, chosen) =>
      restoreTree({ ...{ ...into, source: repository, volume }, ...(chosen && { chosen }) }),
    async plan({ path, chosen, signal, warn }) {
      const wanted = chosen ? { chosen } : {}
      const plan = await planRestore({ source: repository, volume, path, names: NAMED, signal, ...wanted })
      for (const name of plan.refuse.paths)
        warn(`${name}: would be left alone, what is there is of another kind`)
      return { plan: toRecoverPlan(plan), refused: plan.refuse.count }
    },
  }
}

function toRecoverPlan({ create, overwrite, delete: gone, same }: RestorePlan): RecoverPlan {
  const kinds = [['create', create] as const, ['overwrite', overwrite] as const, ['delete', gone] as const]
  const steps = kinds.flatMap(([action, { paths }]) => paths.map((path) => ({ action, path })))
  return {
    ...{ create: create.count, overwrite: overwrite.count, delete: gone.count, unchanged: same },
    bytes: create.bytes + overwrite.bytes,
    steps: steps.slice(0, NAMED),
    more: create.count + overwrite.count + gone.count > Math.min(steps.length, NAMED),
  }
}
