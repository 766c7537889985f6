import { messageOf } from '../../../lib/errors.ts'
import type { BackupInfo } from '../../../wire/backup.ts'
import type { BackupPage } from '../../../wire/daemon-api.ts'
import { type ListOptions, listBackups } from '../../list-backups.ts'
import type { StoreWorld } from '../../world.ts'
import { openNamespace } from './open-namespace.ts'
import { readSeries } from './series.ts'
import { makeSeriesInfo } from './series-info.ts'

/**
 * Lists one page of a namespace's backups by name, series of snapshots included. If the repository cannot be read, the
 * page has the other backups, and the reason in `unread`.
 */
export async function listWithSeries(
  world: StoreWorld,
  namespace: string,
  options: ListOptions,
): Promise<BackupPage> {
  const page = await listBackups(world, namespace, options)
  try {
    return merge(page, await listSeries(world, namespace), options)
  } catch (error) {
    const unread = messageOf(error)
    world.warn(unread)
    return { ...page, unread }
  }
}

async function listSeries(world: StoreWorld, namespace: string): Promise<BackupInfo[]> {
  await using repository = await openNamespace(world, namespace)
  if (!repository) return []
  return (await readSeries(repository, namespace)).map((series) => makeSeriesInfo(namespace, series))
}

/** A series hides the mirror of the same name that it took over, until that is deleted. */
function merge(page: BackupPage, all: BackupInfo[], { source, after = '', limit }: ListOptions): BackupPage {
  const fits = ({ name, source: own }: BackupInfo) =>
    name > after && (page.next === null || name <= page.next) && (source === undefined || own === source)
  const series = all.filter(fits)
  const names = new Set(series.map(({ name }) => name))
  const merged = [...page.backups.filter(({ name }) => !names.has(name)), ...series]
  merged.sort((a, b) => (a.name < b.name ? -1 : 1))
  const backups = merged.slice(0, limit)
  return { backups, next: merged.length > limit ? (backups.at(-1)?.name ?? null) : page.next }
}
