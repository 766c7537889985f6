import { messageOf } from '../../../lib/errors.ts'
import { eachOf } from '../../../objects/small-objects.ts'
import { parseGoTime } from '../../../restic/nodes/go-time.ts'
import { parseSnapshot, type SnapshotFile } from '../../../restic/nodes/snapshot-file.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import { type DamageNote, readDamage } from './damage-note.ts'

export interface SeriesSnapshot {
  id: string
  file: SnapshotFile
  /** Unix ms. */
  createdMs: number
  /** What of it was found damaged, and when; null where nothing was. */
  corrupt: string | null
}

/** The snapshots of one volume, oldest first; never empty. */
export interface SnapshotSeries {
  /** The name that users see: its archive. */
  name: string
  /** Absolute path of the volume on its server. */
  source: string
  snapshots: SeriesSnapshot[]
}

const NAME_TAG = 'backup='
const RID_TAG = 'rid='
/** A snapshot made of a mirror of the recorded system: known again, should the run end before the mirror went. */
export const MIRROR_TAG = 'mirror'

/** The recorded system never deletes in a mirror: what went from the volume since may be here alone. */
export function isOfMirror({ file }: SeriesSnapshot): boolean {
  return file.tags.includes(MIRROR_TAG)
}

export function tagsOf(archive: string, rid: string, isPartial: boolean): string[] {
  return [`${NAME_TAG}${archive}`, `${RID_TAG}${rid}`, ...(isPartial ? ['partial'] : [])]
}

export function ridOf({ tags }: SnapshotFile): string | null {
  return tagged(tags, RID_TAG) ?? null
}

/** All series of a repository, by name. A snapshot file that cannot be read is told of by `warn`, and hides no other. */
export async function readSeries(repository: Repository, namespace: string): Promise<SnapshotSeries[]> {
  const ids: string[] = []
  for await (const id of repository.listUnpacked('snapshots')) ids.push(id)
  const damage = await readDamage(repository.place.driver, namespace)
  const snapshots: SeriesSnapshot[] = []
  for await (const snapshot of eachOf(ids, (id) => readSnapshot(repository, id, damage)))
    if (snapshot) snapshots.push(snapshot)
  return groupSeries(snapshots, namespace)
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
    repository.warn(`The snapshot ${id.slice(0, 8)} is left out: ${messageOf(error)}`)
    return undefined
  }
}

/**
 * Snapshots are of the series that their tag names. Those that restic made without our tags belong to the volume whose
 * hostname and path they carry, or are a series of their own, named after those; so are those of several paths.
 */
export function groupSeries(snapshots: readonly SeriesSnapshot[], namespace: string): SnapshotSeries[] {
  const byTime = snapshots.toSorted((a, b) => a.createdMs - b.createdMs || (a.id < b.id ? -1 : 1))
  const nameOfSource = new Map<string, string>()
  for (const { file } of byTime) {
    const name = tagged(file.tags, NAME_TAG)
    if (name !== undefined) nameOfSource.set(sourceOf(file), name)
  }
  const nameOf = ({ file }: SeriesSnapshot): string => {
    const own = isOfOneVolume(file, namespace) ? nameOfSource.get(sourceOf(file)) : undefined
    return tagged(file.tags, NAME_TAG) ?? own ?? strangerName(file)
  }
  const series = [...Map.groupBy(byTime, nameOf)].map(([name, group]) => seriesOf(name, group))
  return series.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/**
 * The series of this name; where there is none yet, what restic made of the volume without our tags: the first
 * snapshot of ours makes one series of it all.
 */
export function seriesOfVolume(
  all: readonly SnapshotSeries[],
  { name, source, namespace }: { name: string; source: string; namespace: string },
): SnapshotSeries | undefined {
  const isUntagged = ({ file }: SeriesSnapshot) =>
    isOfOneVolume(file, namespace) && tagged(file.tags, NAME_TAG) === undefined
  const named = all.find((series) => series.name === name)
  return named ?? all.find((series) => series.source === source && series.snapshots.every(isUntagged))
}

/** Whether it is of a volume of this server, not of another host or of several paths. */
export function isOwnSeries({ snapshots }: SnapshotSeries, namespace: string): boolean {
  return snapshots.some(({ file }) => isOfOneVolume(file, namespace))
}

function isOfOneVolume({ hostname, paths }: SnapshotFile, namespace: string): boolean {
  return hostname === namespace && paths.length === 1
}

function seriesOf(name: string, byTime: SeriesSnapshot[]): SnapshotSeries {
  const snapshots = inOrder(byTime)
  const newest = snapshots.at(-1)
  return { name, source: newest ? sourceOf(newest.file) : '', snapshots }
}

/** Ours by their sequence, whatever the clock said; each of restic's before the first of ours that is younger. */
function inOrder(byTime: readonly SeriesSnapshot[]): SeriesSnapshot[] {
  const ours = byTime.filter(({ file }) => file.backupd)
  ours.sort((a, b) => (a.file.backupd?.sequence ?? 0) - (b.file.backupd?.sequence ?? 0))
  for (const stranger of byTime.filter(({ file }) => !file.backupd)) {
    const at = ours.findIndex(({ createdMs }) => createdMs > stranger.createdMs)
    ours.splice(at === -1 ? ours.length : at, 0, stranger)
  }
  return ours
}

/** 0 where none is of ours. */
export function lastSequence(series: SnapshotSeries | undefined): number {
  const all = series?.snapshots.map(({ file }) => file.backupd?.sequence ?? 0) ?? []
  return all.reduce((a, b) => Math.max(a, b), 0)
}

function sourceOf({ paths }: SnapshotFile): string {
  return paths[0] ?? '/'
}

function strangerName(file: SnapshotFile): string {
  const paths = file.paths.length > 1 ? file.paths.join('-') : sourceOf(file)
  return `${file.hostname}-${paths}`.replaceAll('/', '-').replace(/^[.-]+/, '')
}

function tagged(tags: readonly string[], prefix: string): string | undefined {
  const value = tags.find((tag) => tag.startsWith(prefix))?.slice(prefix.length)
  return value && !value.includes('/') && !value.startsWith('.') ? value : undefined
}
