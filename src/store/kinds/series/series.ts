import { hasCode, messageOf } from '../../../lib/errors.ts'
import { findObjectProblem, mapInOrder } from '../../../objects/small-objects.ts'
import { parseGoTime } from '../../../restic/nodes/go-time.ts'
import { parseSnapshot, type SnapshotFile } from '../../../restic/nodes/snapshot-file.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import type { HiddenMark } from '../../../wire/hidden.ts'
import type { Verification } from '../../../wire/verification.ts'
import { type FindHolds, readHolds } from '../../hold-note.ts'
import { type DamageNote, readDamage } from './damage-note.ts'
import { type HiddenSnapshots, readHiddenSnapshots } from './hidden-snapshots.ts'
import { readProofs, type SeriesProofs } from './proof-note.ts'

export interface SeriesSnapshot {
  id: string
  file: SnapshotFile
  /** Unix ms. */
  createdMs: number
  /** What damage was found, and when; null if none was. */
  corrupt: string | null
  /** When it was read and found intact. */
  proof?: Verification
  /** When it was restored and found as it was backed up. */
  drill?: Verification
  /** Reasons to keep it whatever its age. */
  holds?: readonly string[]
  /** It was deleted, and can be restored. */
  hidden?: HiddenMark
}

/** The snapshots of one volume, oldest first; never empty. */
export interface SnapshotSeries {
  /** The name that users see: its archive. */
  name: string
  /** Absolute path of the volume on its server. */
  source: string
  snapshots: SeriesSnapshot[]
  /** The last proof; it need not have the newest snapshots. */
  proof?: Verification
}

const NAME_TAG = 'backup='
const RID_TAG = 'rid='
/**
 * Marks a snapshot made from a legacy mirror, so that a later run recognizes it if this one ends before the mirror
 * is deleted.
 */
export const MIRROR_TAG = 'mirror'

/** The legacy system never deletes files in a mirror, so such a snapshot may hold the only copy of deleted files. */
export function isOfMirror({ file }: SeriesSnapshot): boolean {
  return file.tags.includes(MIRROR_TAG)
}

export function makeTags(archive: string, rid: string, isPartial: boolean): string[] {
  return [`${NAME_TAG}${archive}`, `${RID_TAG}${rid}`, ...(isPartial ? ['partial'] : [])]
}

export function findRidTag({ tags }: SnapshotFile): string | null {
  return tagged(tags, RID_TAG) ?? null
}

/**
 * Reads all series of a repository, sorted by name, without what was deleted and can be restored. An unreadable snapshot file
 * is skipped with a warning.
 * @param unread gets the ids of those
 */
export async function readSeries(
  repository: Repository,
  namespace: string,
  unread: string[] = [],
): Promise<SnapshotSeries[]> {
  return (await readWholeSeries(repository, namespace, unread)).flatMap((one) => leaveOutHidden(one) ?? [])
}

/** The same with hidden snapshots, which still have their names and numbers. */
export async function readWholeSeries(
  repository: Repository,
  namespace: string,
  unread: string[] = [],
): Promise<SnapshotSeries[]> {
  const ids: string[] = []
  for await (const id of repository.listUnpacked('snapshots')) ids.push(id)
  const { driver } = repository.place
  const [damage, ...notes] = await Promise.all([
    readDamage(driver, namespace),
    readProofs(driver, namespace),
    readHolds(driver, namespace),
    readHiddenSnapshots(driver, namespace),
  ])
  const snapshots: SeriesSnapshot[] = []
  for await (const [id, snapshot] of mapInOrder(
    ids,
    async (id) => [id, await readSnapshot(repository, id, damage)] as const,
  )) {
    if (snapshot) snapshots.push({ ...snapshot, ...findMarks(id, notes) })
    else unread.push(id)
  }
  return groupSeries(snapshots, namespace).map((series) => addProof(series, notes[0]))
}

function findMarks(
  id: string,
  [proofs, findHolds, hiddenSnapshots]: [SeriesProofs, FindHolds, HiddenSnapshots],
): Pick<SeriesSnapshot, 'proof' | 'drill' | 'holds' | 'hidden'> {
  const [proof, drill] = [proofs.ofSnapshot.get(id), proofs.drillOf.get(id)]
  const [holds, hidden] = [findHolds(id), hiddenSnapshots.get(id)]
  const proven = { ...(proof && { proof }), ...(drill && { drill }) }
  return { ...proven, ...(holds.length > 0 && { holds }), ...(hidden && { hidden }) }
}

/** What users see of a series; undefined if all of it is hidden. */
export function leaveOutHidden(series: SnapshotSeries): SnapshotSeries | undefined {
  const snapshots = series.snapshots.filter(({ hidden }) => !hidden)
  if (snapshots.length === series.snapshots.length) return series
  const { proof, ...shown } = { ...series, ...createSeries(series.name, snapshots) }
  if (snapshots.length === 0) return undefined
  return proof && snapshots.some((one) => one.proof) ? { ...shown, proof } : shown
}

/** A proof of snapshots that are all gone is of an earlier series of that name. */
function addProof(series: SnapshotSeries, { ofSeries }: SeriesProofs): SnapshotSeries {
  const proof = ofSeries.get(series.name)
  return proof && series.snapshots.some((snapshot) => snapshot.proof) ? { ...series, proof } : series
}

async function readSnapshot(
  repository: Repository,
  id: string,
  { snapshots: { [id]: damage } }: DamageNote,
): Promise<SeriesSnapshot | undefined> {
  try {
    const file = parseSnapshot(id, await repository.loadUnpacked('snapshots', id))
    const createdMs = Number((parseGoTime(file.time) ?? 0n) / 1_000_000n)
    return { id, file, createdMs, corrupt: damage ? `${damage.reason} (found ${damage.at})` : null }
  } catch (error) {
    // Deleted by another run since it was listed.
    if (hasCode(error, 'NOT_FOUND')) return undefined
    await checkFaultOfOne(repository, error)
    repository.warn(`The snapshot ${id.slice(0, 8)} is left out: ${messageOf(error)}`)
    return undefined
  }
}

/** Throws unless only this snapshot is at fault: a store that is gone must not look like one with fewer snapshots. */
async function checkFaultOfOne(repository: Repository, error: unknown): Promise<void> {
  const isDamage = hasCode(error, 'REPOSITORY_DAMAGED') || hasCode(error, 'SNAPSHOT_CORRUPT')
  if (!isDamage) await findObjectProblem(repository.place.driver, error)
}

/**
 * Groups snapshots into series by their name tag. A snapshot that restic made without our tags joins the series of its
 * hostname and path; if there is none, or it has several paths, it forms a series named after hostname and paths.
 */
export function groupSeries(snapshots: readonly SeriesSnapshot[], namespace: string): SnapshotSeries[] {
  const byTime = snapshots.toSorted((a, b) => a.createdMs - b.createdMs || (a.id < b.id ? -1 : 1))
  const nameOfSource = new Map<string, string>()
  for (const { file } of byTime) {
    const name = tagged(file.tags, NAME_TAG)
    if (name !== undefined) nameOfSource.set(readSource(file), name)
  }
  const nameOf = ({ file }: SeriesSnapshot): string => {
    const own = isOfOneVolume(file, namespace) ? nameOfSource.get(readSource(file)) : undefined
    return tagged(file.tags, NAME_TAG) ?? own ?? nameUntagged(file)
  }
  const series = [...Map.groupBy(byTime, nameOf)].map(([name, group]) => createSeries(name, group))
  return series.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/**
 * Finds the series of this name. If there is none yet, finds the untagged snapshots that restic made of the volume:
 * our first snapshot joins them into one series.
 */
export function findSeriesOfVolume(
  all: readonly SnapshotSeries[],
  { name, source, namespace }: { name: string; source: string; namespace: string },
): SnapshotSeries | undefined {
  const isUntagged = ({ file }: SeriesSnapshot) =>
    isOfOneVolume(file, namespace) && tagged(file.tags, NAME_TAG) === undefined
  const named = all.find((series) => series.name === name)
  return named ?? all.find((series) => series.source === source && series.snapshots.every(isUntagged))
}

/** False for a series of another host, and for snapshots of several paths. */
export function isOwnSeries({ snapshots }: SnapshotSeries, namespace: string): boolean {
  return snapshots.some(({ file }) => isOfOneVolume(file, namespace))
}

function isOfOneVolume({ hostname, paths }: SnapshotFile, namespace: string): boolean {
  return hostname === namespace && paths.length === 1
}

function createSeries(name: string, byTime: SeriesSnapshot[]): SnapshotSeries {
  const snapshots = sortSnapshots(byTime)
  const newest = snapshots.at(-1)
  return { name, source: newest ? readSource(newest.file) : '', snapshots }
}

/** Our snapshots by sequence, not by time; each of restic's goes before the first of ours with a later time. */
function sortSnapshots(byTime: readonly SeriesSnapshot[]): SeriesSnapshot[] {
  const ours = byTime.filter(({ file }) => file.backupd)
  ours.sort((a, b) => (a.file.backupd?.sequence ?? 0) - (b.file.backupd?.sequence ?? 0))
  for (const foreign of byTime.filter(({ file }) => !file.backupd)) {
    const at = ours.findIndex(({ createdMs }) => createdMs > foreign.createdMs)
    ours.splice(at === -1 ? ours.length : at, 0, foreign)
  }
  return ours
}

/** The highest sequence of the series; 0 if it has no snapshot of ours. */
export function lastSequence(series: SnapshotSeries | undefined): number {
  const all = series?.snapshots.map(({ file }) => file.backupd?.sequence ?? 0) ?? []
  return all.reduce((a, b) => Math.max(a, b), 0)
}

function readSource({ paths }: SnapshotFile): string {
  return paths[0] ?? '/'
}

function nameUntagged(file: SnapshotFile): string {
  const paths = file.paths.length > 1 ? file.paths.join('-') : readSource(file)
  return `${file.hostname}-${paths}`.replaceAll('/', '-').replace(/^[.-]+/, '')
}

function tagged(tags: readonly string[], prefix: string): string | undefined {
  const value = tags.find((tag) => tag.startsWith(prefix))?.slice(prefix.length)
  return value && !value.includes('/') && !value.startsWith('.') ? value : undefined
}
