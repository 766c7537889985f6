import { BackupdError } from '../../../lib/errors.ts'
import { volumeTree } from '../../../restic/read/volume-tree.ts'
import { lockForReading, type ReadLock } from '../../../restic/repository/read-lock.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import { measureRestore } from '../../../restic/restore/measure-restore.ts'
import { planRestore } from '../../../restic/restore/plan-restore.ts'
import type { RestorePlan } from '../../../restic/restore/plan-tally.ts'
import { restoreTree } from '../../../restic/restore/restore-tree.ts'
import type { RecoverPlan } from '../../../wire/snapshot.ts'
import type { OpenedBackup, Reader } from '../../stored-backup.ts'
import type { StoreWorld } from '../../world.ts'
import { findTrustedSnapshot } from './find-trusted-snapshot.ts'
import { noteIfDamaged, noteNotDamaged, type ReadRepository, readIn } from './note-damage.ts'
import type { SeriesSnapshot, SnapshotSeries } from './series.ts'
import { infoOfSnapshot } from './series-info.ts'

export interface ReadSeries {
  world: StoreWorld
  namespace: string
  repository: Repository
  series: SnapshotSeries
}

/** A slice of a prune holds the repository for moments; somebody's restic may take longer. */
const LOCK_WAIT_MS = 5 * 60_000
/** Paths that a plan names. */
const MAX_NAMED = 1000
const UNKNOWN = Number.POSITIVE_INFINITY

/**
 * The repository stays locked until it is closed, that of another server too, if the store can be written: a prune of
 * its server could take away what is being read.
 */
export async function openSnapshot(
  { world, namespace, repository, series }: ReadSeries,
  snapshot: string | null,
  reader: Reader,
): Promise<OpenedBackup> {
  const { found, notice } = findTrustedSnapshot(series, snapshot)
  if (notice !== null) reader.warn(notice)
  await using parts = new AsyncDisposableStack()
  const lock = parts.use(await lockSeries(repository, reader))
  if (!lock.snapshots.includes(found.id)) throw goneMeanwhile(found.id)
  const read = readIn(world, { repository, namespace, warn: reader.warn })
  const noting = noterOf(read, lock, found.id)
  const opened = await noting(() => contentOf(repository, found))
  const owned = parts.move()
  return {
    ...opened,
    async restore(into, chosen) {
      const summary = await noting(() => opened.restore(into, chosen))
      const isWhole = chosen === null && summary.faults === 0
      if (isWhole && found.corrupt !== null) await noteNotDamaged(read, found.id)
      return summary
    },
    plan: (question) => noting(() => opened.plan(question)),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

export function lockSeries(repository: Repository, { dataDir, signal, warn }: Reader): Promise<ReadLock> {
  return lockForReading(repository, { dataDir, waitMs: LOCK_WAIT_MS, signal, warn })
}

/** Without the lock, what is missing may only have been pruned meanwhile. */
function noterOf(read: ReadRepository, lock: ReadLock, snapshot: string) {
  return async <T>(act: () => Promise<T>): Promise<T> => {
    try {
      return await act()
    } catch (error) {
      if (lock.isHeld()) await noteIfDamaged(read, snapshot, error)
      throw error
    }
  }
}

function goneMeanwhile(id: string): BackupdError {
  const what = `the snapshot ${id.slice(0, 8)} was deleted meanwhile: choose another one`
  return new BackupdError('NOT_FOUND', what, { facts: { snapshot: id } })
}

async function contentOf(
  source: Repository,
  found: SeriesSnapshot,
): Promise<Omit<OpenedBackup, typeof Symbol.asyncDispose>> {
  const { state, suspect, size, files } = infoOfSnapshot(found)
  const volume = await volumeTree(source, found.file)
  return {
    ...{ legacySource: null, state, suspect },
    totals: size === null || files === null ? null : { bytes: size, files },
    // Holes and further names of hard links are in it too.
    needs: { bytes: size ?? UNKNOWN, entries: found.file.backupd?.entries ?? UNKNOWN },
    measure: (chosen, signal) => measureRestore({ source, volume, signal, ...(chosen && { chosen }) }),
    restore: (into, chosen) => restoreTree({ ...into, source, volume, ...(chosen && { chosen }) }),
    async plan({ path, chosen, signal, warn }) {
      const wanted = chosen ? { chosen } : {}
      const plan = await planRestore({ source, volume, path, names: MAX_NAMED, signal, ...wanted })
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
    steps: steps.slice(0, MAX_NAMED),
    more: create.count + overwrite.count + gone.count > Math.min(steps.length, MAX_NAMED),
  }
}
