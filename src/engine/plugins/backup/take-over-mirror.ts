import { bytesToText } from '../../../lib/byte-paths.ts'
import { BackupdError, messageOf } from '../../../lib/errors.ts'
import type { Lock } from '../../../restic/repository/held-lock.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import { makeSnapshot } from '../../../restic/write/make-snapshot.ts'
import type { SnapshotSeen, SnapshotWords } from '../../../restic/write/snapshot-input.ts'
import {
  findSeriesOfVolume,
  isOfMirror,
  lastSequence,
  MIRROR_TAG,
  readSeries,
  type SeriesSnapshot,
  type SnapshotSeries,
  tagsOf,
} from '../../../store/kinds/series/series.ts'
import type { Store, StoredMirror } from '../../../store/store.ts'
import type { BackupArgs } from '../../../wire/job.ts'
import type { RunContext } from '../../plugin.ts'
import { factsOfSnapshot } from './describe-snapshot.ts'

export interface TakeOver {
  args: BackupArgs
  context: RunContext
  store: Store
  repository: Repository
  lock: Lock
}

/**
 * Converts a mirror that the legacy daemon made of this volume to the first snapshot of the series, then deletes the
 * mirror. If it cannot be converted completely, the mirror stays, with a warning.
 * @returns the series after that
 */
export async function takeOverMirror(run: TakeOver): Promise<SnapshotSeries | undefined> {
  const { args, context, store } = run
  const series = await readOwnSeries(run)
  const found = await store.findMirror(context.settings.ip, args.archive)
  if (found?.info.source !== args.path) return series
  try {
    if (!findTakenOver(series, found)) await makeMirrorSnapshot(run, found, sequenceFor(series, found))
    const taken = findTakenOver(await readOwnSeries(run), found)
    if (!taken) throw new Error('its snapshot cannot be read back')
    await store.remove([args.archive])
    context.warn(
      `the mirror of the legacy daemon was taken over: it is the snapshot ${taken.id.slice(0, 8)} of its series now, which stays until it is deleted by hand`,
    )
  } catch (error) {
    context.signal.throwIfAborted()
    context.warn(`the mirror of the legacy daemon stays as it is: ${messageOf(error)}`)
  }
  return await readOwnSeries(run)
}

/** Matched by time, because a legacy daemon that is started again makes a new mirror with a later time. */
function findTakenOver(
  series: SnapshotSeries | undefined,
  { info }: StoredMirror,
): SeriesSnapshot | undefined {
  const createdMs = Date.parse(info.created)
  return series?.snapshots.find((one) => isOfMirror(one) && one.createdMs === createdMs)
}

/** Before all of our snapshots, unless the mirror is younger than all of them. */
function sequenceFor(series: SnapshotSeries | undefined, { info }: StoredMirror): number {
  const newestMs =
    series?.snapshots.findLast(({ file }) => file.backupd)?.createdMs ?? Number.POSITIVE_INFINITY
  return Date.parse(info.created) > newestMs ? lastSequence(series) + 1 : 0
}

async function readOwnSeries({ args, context, repository }: TakeOver): Promise<SnapshotSeries | undefined> {
  const { ip: namespace } = context.settings
  const all = await readSeries(repository, namespace)
  return findSeriesOfVolume(all, { name: args.archive, source: args.path, namespace })
}

async function makeMirrorSnapshot(
  run: TakeOver,
  { info, mirror }: StoredMirror,
  sequence: number,
): Promise<void> {
  const { args, context, repository, lock } = run
  context.progress({ phase: 'take over', bytesTotal: null, filesTotal: null })
  await mirror.withFolder((volume) =>
    makeSnapshot({
      ...{ repository, lock, volume, sourcePath: args.path, hostname: context.settings.ip, parent: null },
      time: new Date(info.created),
      signal: context.signal,
      describe: (seen) => describe(run, seen, sequence),
      onProgress: ({ bytes, files, path }) =>
        context.progress({ bytesDone: bytes, filesDone: files, currentPath: bytesToText(path) }),
      onWarning: ({ path, message }) => context.warn(`${bytesToText(path)} of the mirror: ${message}`),
    }),
  )
}

async function describe(run: TakeOver, seen: SnapshotSeen, sequence: number): Promise<SnapshotWords> {
  const { args, context, store } = run
  if (seen.faults > 0)
    throw new BackupdError('STORE_UNAVAILABLE', `${seen.faults} of its files could not be read`)
  await store.assertOwner()
  const facts = factsOfSnapshot(run, seen, { sequence, suspect: null, isPartial: false })
  return { tags: [...tagsOf(args.archive, context.rid, false), MIRROR_TAG], facts }
}
