import { BackupdError } from '../lib/errors.ts'
import { parseBackupName } from '../wire/archive-name.ts'
import type { BackupInfo } from '../wire/backup.ts'
import { isUnusualHold } from '../wire/hold.ts'
import { releaseHolds } from './hold-note.ts'
import { leaveOutHidden, readWholeSeries, type SnapshotSeries } from './kinds/series/series.ts'
import { makeSeriesInfo } from './kinds/series/series-info.ts'
import { readManifests } from './list-backups.ts'
import { readManifest } from './manifest.ts'
import { releaseArchive } from './mark-backup.ts'
import type { StoreParts } from './store-parts.ts'
import type { StoreWorld } from './world.ts'

interface OwnNamespace {
  world: StoreWorld
  parts: StoreParts
  ip: string
}

/** See Store.acknowledgeUnusual. */
export async function releaseUnusualHolds(own: OwnNamespace, name: string): Promise<BackupInfo[]> {
  return parseBackupName(name) ? await releaseArchives(own, name) : await releaseSeries(own, name)
}

async function releaseArchives({ world, ip }: OwnNamespace, name: string): Promise<BackupInfo[]> {
  const read = await readManifest(world.driver, ip, name)
  if (!read?.manifest) throw notFound(name, ip, read?.problem ?? null)
  const { source, app } = read.manifest
  const held: string[] = []
  for await (const manifest of readManifests(world, { namespace: ip, source }))
    if (manifest.app === app && manifest.holds.some(isUnusualHold)) held.push(manifest.name)
  const released: BackupInfo[] = []
  for (const one of held) {
    const info = await releaseArchive(world, one)
    if (info) released.push(info)
  }
  return released
}

async function releaseSeries({ parts, ip }: OwnNamespace, name: string): Promise<BackupInfo[]> {
  await using repository = await parts.repository(ip)
  const unread: string[] = []
  const find = async () => {
    const all = repository ? await readWholeSeries(repository, ip, unread) : []
    const whole = all.find((one) => one.name === name)
    return { all, series: whole && leaveOutHidden(whole) }
  }
  const { all, series } = await find()
  if (!series) throw notFound(name, ip, null)
  if (!listHolds(series).some(isUnusualHold)) return []
  const released = new Set(series.snapshots.map(({ id }) => id))
  const existing = new Set([...all.flatMap(({ snapshots }) => snapshots.map(({ id }) => id)), ...unread])
  await releaseHolds({ store: parts, ip }, released, existing)
  const { series: now } = await find()
  return now ? [makeSeriesInfo(ip, now)] : []
}

function listHolds({ snapshots }: SnapshotSeries): string[] {
  return snapshots.flatMap(({ holds = [] }) => holds)
}

function notFound(name: string, ip: string, problem: string | null): BackupdError {
  const why = problem === null ? '' : `: ${problem}`
  return new BackupdError('NOT_FOUND', `There is no backup "${name}" of its own in ${ip}${why}`)
}
