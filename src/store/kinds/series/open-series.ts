import { BackupdError } from '../../../lib/errors.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import type { StoreParts } from '../../store-parts.ts'
import { readSeries, type SnapshotSeries } from './series.ts'

/** A series of any namespace, with its repository open. */
export interface OpenSeries extends AsyncDisposable {
  repository: Repository
  series: SnapshotSeries
  /** The ids of snapshot files of any series that could not be read. */
  unread: string[]
}

/** undefined if no series has this name. Throws REPOSITORY_PASSWORD, REPOSITORY_DAMAGED. */
export async function openSeries(
  store: Pick<StoreParts, 'repository'>,
  namespace: string,
  name: string,
): Promise<OpenSeries | undefined> {
  await using parts = new AsyncDisposableStack()
  const repository = parts.use((await store.repository(namespace)) ?? null)
  if (!repository) return undefined
  const unread: string[] = []
  const series = (await readSeries(repository, namespace, unread)).find((one) => one.name === name)
  if (!series) return undefined
  const opened = parts.move()
  return { repository, series, unread, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

/** As openSeries, but throws NOT_FOUND if no series has this name. */
export async function openKnownSeries(
  store: StoreParts,
  namespace: string,
  name: string,
): Promise<OpenSeries> {
  const opened = await openSeries(store, namespace, name)
  if (opened) return opened
  throw new BackupdError('NOT_FOUND', `There is no series of snapshots "${name}" in ${namespace}`)
}
