import { bytesToText } from '../../../lib/byte-paths.ts'
import { BackupdError } from '../../../lib/errors.ts'
import { checkPacks, type LostBlob } from '../../../restic/check/check-packs.ts'
import { findTouchedFiles } from '../../../restic/check/touched-files.ts'
import type { Reader } from '../../stored-backup.ts'
import { lockSeries, type ReadSeries } from './open-snapshot.ts'
import { createReadRepository, noteIfDamaged, notePacks } from './report-damage.ts'

/** The most damaged paths that are listed for each snapshot. */
const MAX_LISTED = 10

interface SnapshotDamage {
  count: number
  paths: string[]
}

/**
 * Reads every pack of the repository and finds the damaged snapshots of the series. Other series share the packs;
 * their damage is found when they are verified. Notes each damaged snapshot in the store, then throws SNAPSHOT_CORRUPT.
 */
export async function verifySeries(
  { world, namespace, repository, series }: ReadSeries,
  reader: Reader,
  onProgress: (bytes: number) => void,
): Promise<void> {
  const { signal, warn } = reader
  await using lock = await lockSeries(repository, reader)
  const lost: LostBlob[] = []
  for await (const damaged of checkPacks(repository, {
    signal,
    onProgress: ({ bytes }) => onProgress(bytes),
  })) {
    warn(`the pack ${damaged.pack} is damaged: ${damaged.reason}`)
    repository.distrust([damaged.pack])
    lost.push(...damaged.lost)
  }
  const read = createReadRepository(world, { repository, namespace, warn })
  if (lost.length > 0 && lock.isHeld()) await notePacks(read)
  const own = new Set(series.snapshots.map(({ id }) => id))
  const damages = new Map<string, SnapshotDamage>()
  for await (const { snapshot, path } of findTouchedFiles(repository, lost, signal))
    if (own.has(snapshot)) addTo(damages, snapshot, withinVolume(bytesToText(path), series.source))
  for (const [snapshot, damage] of damages)
    if (lock.isHeld()) await noteIfDamaged(read, snapshot, snapshotCorrupt(snapshot, damage))
  const [first] = damages
  if (!first) return
  const others = damages.size > 1 ? `; ${damages.size - 1} other snapshots are damaged too` : ''
  throw snapshotCorrupt(...first, others)
}

function addTo(damages: Map<string, SnapshotDamage>, snapshot: string, path: string): void {
  const damage = damages.get(snapshot) ?? { count: 0, paths: [] }
  damage.count++
  if (damage.paths.length < MAX_LISTED) damage.paths.push(path)
  damages.set(snapshot, damage)
}

/** Paths in a snapshot are absolute; makes them relative to the volume. */
function withinVolume(path: string, source: string): string {
  return path.startsWith(`${source}/`) ? path.slice(source.length + 1) : path
}

function snapshotCorrupt(snapshot: string, { count, paths }: SnapshotDamage, others = ''): BackupdError {
  const what = `The snapshot ${snapshot.slice(0, 8)} is damaged: the content of ${count} paths is lost, such as ${JSON.stringify(paths[0])}${others}`
  return new BackupdError('SNAPSHOT_CORRUPT', what, { facts: { snapshot, count, files: paths } })
}
