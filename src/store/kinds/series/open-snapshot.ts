import { isoTime } from '../../../lib/clock.ts'
import { BackupdError } from '../../../lib/errors.ts'
import { volumeTree } from '../../../restic/read/volume-tree.ts'
import { lockForReading, type ReadLock } from '../../../restic/repository/read-lock.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import { compareSnapshot } from '../../../restic/restore/compare-snapshot.ts'
import { measureRestore } from '../../../restic/restore/measure-restore.ts'
import { planRestore } from '../../../restic/restore/plan-restore.ts'
import { restoreTree } from '../../../restic/restore/restore-tree.ts'
import type { DrillCheck, OpenedBackup, Reader } from '../../stored-backup.ts'
import type { StoreWorld } from '../../world.ts'
import { MAX_LISTED, toRecoverPlan } from '../recover-plan.ts'
import { findTrustedSnapshot } from './find-trusted-snapshot.ts'
import { writeDrill } from './proof-note.ts'
import { createReadRepository, noteIfDamaged, noteNotDamaged, type ReadRepository } from './report-damage.ts'
import type { SeriesSnapshot, SnapshotSeries } from './series.ts'
import { makeSnapshotInfo } from './series-info.ts'

export interface ReadSeries {
  world: StoreWorld
  namespace: string
  repository: Repository
  series: SnapshotSeries
  /** As in OpenSeries. */
  unread: readonly string[]
}

/** A slice of our prune holds the lock only briefly; a restic that someone runs may hold it for longer. */
const LOCK_WAIT_MS = 5 * 60_000
const UNKNOWN = Number.POSITIVE_INFINITY

/**
 * Opens a snapshot for a recover. The repository, also that of another server, stays locked until the snapshot is
 * closed (if the store can be written): else a prune by its server could delete what is being read.
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
  if (!lock.snapshots.includes(found.id)) throw deletedMeanwhile(found.id)
  const read = createReadRepository(world, { repository, namespace, warn: reader.warn })
  const noteDamage = createDamageNoter(read, lock, found.id)
  const opened = await noteDamage(() => readContent(repository, found))
  const owned = parts.move()
  const noteProof = (rid: string) => noteDrill(read, { world, lock, snapshot: found.id, rid })
  return {
    ...opened,
    drill: { ...opened.drill, compare: (tree) => noteDamage(() => opened.drill.compare(tree)), noteProof },
    async restore(into, chosen) {
      const summary = await noteDamage(() => opened.restore(into, chosen))
      const isWhole = chosen === null && summary.faults === 0
      if (isWhole && found.corrupt !== null) await noteNotDamaged(read, found.id)
      return summary
    },
    plan: (question) => noteDamage(() => opened.plan(question)),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Without the lock, it may have been deleted meanwhile. */
async function noteDrill(
  { namespace, ip }: ReadRepository,
  { world, lock, snapshot, rid }: { world: StoreWorld; lock: ReadLock; snapshot: string; rid: string },
): Promise<boolean> {
  if (namespace !== ip || !lock.isHeld()) return false
  const at = isoTime(world.clock.now())
  const proof = { at, rid, method: 'hash', share: 1, by: 'drill', mode: 'full' } as const
  await writeDrill(world, { snapshot, proof, existing: lock.snapshots })
  return true
}

export function lockSeries(repository: Repository, { dataDir, signal, warn }: Reader): Promise<ReadLock> {
  return lockForReading(repository, { dataDir, waitMs: LOCK_WAIT_MS, signal, warn })
}

/** Notes damage only while the lock is held: without it, missing data may just have been pruned meanwhile. */
export function createDamageNoter(read: ReadRepository, lock: ReadLock, snapshot: string) {
  return async <T>(act: () => Promise<T>): Promise<T> => {
    try {
      return await act()
    } catch (error) {
      if (lock.isHeld()) await noteIfDamaged(read, snapshot, error)
      throw error
    }
  }
}

export function deletedMeanwhile(id: string): BackupdError {
  const what = `the snapshot ${id.slice(0, 8)} was deleted meanwhile: choose another one`
  return new BackupdError('NOT_FOUND', what, { facts: { snapshot: id } })
}

type SnapshotContent = Omit<OpenedBackup, typeof Symbol.asyncDispose | 'drill'> & {
  drill: Omit<DrillCheck, 'noteProof'>
}

async function readContent(source: Repository, found: SeriesSnapshot): Promise<SnapshotContent> {
  const { state, suspect, size, files } = makeSnapshotInfo(found)
  const volume = await volumeTree(source, found.file)
  return {
    legacySource: null,
    snapshot: found.id,
    state,
    suspect,
    totals: size === null || files === null ? null : { bytes: size, files },
    // The most it can need: the size also counts holes, and every name of a hard link.
    needs: { bytes: size ?? UNKNOWN, entries: found.file.backupd?.entries ?? UNKNOWN },
    measure: (chosen, signal) => measureRestore({ source, volume, signal, ...(chosen && { chosen }) }),
    // A restore compares each blob with its id; one that differs is read again.
    drill: { isDamageCertain: true, compare: (tree) => compareSnapshot({ source, volume }, tree) },
    restore: (into, chosen) => restoreTree({ ...into, source, volume, ...(chosen && { chosen }) }),
    async plan({ chosen, warn, ...question }) {
      const wanted = chosen ? { chosen } : {}
      const plan = await planRestore({ ...question, source, volume, names: MAX_LISTED, ...wanted })
      return toRecoverPlan(plan, { warn })
    },
  }
}
