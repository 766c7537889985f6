import { bytesToText } from '../../../lib/byte-paths.ts'
import { BackupdError, messageOf } from '../../../lib/errors.ts'
import { makeSnapshot } from '../../../restic/write/make-snapshot.ts'
import type { SnapshotDescription, WalkResult } from '../../../restic/write/snapshot-input.ts'
import type { StoredMirror } from '../../store-parts.ts'
import { makeSnapshotFacts, type SeriesTask } from './describe-snapshot.ts'
import {
  findSeriesOfVolume,
  isOfMirror,
  lastSequence,
  MIRROR_TAG,
  makeTags,
  readWholeSeries,
  type SeriesSnapshot,
  type SnapshotSeries,
} from './series.ts'

/**
 * Converts a mirror that the legacy daemon made of this volume to the first snapshot of the series, then deletes the
 * mirror. If it cannot be converted completely, the mirror stays, with a warning.
 * @returns the series after that, with what is hidden in it
 */
export async function takeOverMirror(task: SeriesTask): Promise<SnapshotSeries | undefined> {
  const { args, run, store } = task
  const series = await readOwnSeries(task)
  const found = await store.findMirror(run.settings.ip, args.archive)
  if (found?.info.source !== args.path) return series
  try {
    if (!findTakenOver(series, found)) await makeMirrorSnapshot(task, found, sequenceFor(series, found))
    const taken = findTakenOver(await readOwnSeries(task), found)
    if (!taken) throw new Error('its snapshot cannot be read back')
    await store.remove([args.archive])
    run.warn(
      `the mirror of the legacy daemon was taken over: it is the snapshot ${taken.id.slice(0, 8)} of its series now, which stays until it is deleted by hand`,
    )
  } catch (error) {
    run.signal.throwIfAborted()
    run.warn(`the mirror of the legacy daemon stays as it is: ${messageOf(error)}`)
  }
  return await readOwnSeries(task)
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

async function readOwnSeries({ args, run, repository }: SeriesTask): Promise<SnapshotSeries | undefined> {
  const { ip: namespace } = run.settings
  const all = await readWholeSeries(repository, namespace)
  return findSeriesOfVolume(all, { name: args.archive, source: args.path, namespace })
}

async function makeMirrorSnapshot(
  task: SeriesTask,
  { info, mirror }: StoredMirror,
  sequence: number,
): Promise<void> {
  const { args, run, repository, lock } = task
  run.progress({ phase: 'take over', bytesTotal: null, filesTotal: null })
  await mirror.withFolder((volume) =>
    makeSnapshot({
      repository,
      lock,
      volume,
      sourcePath: args.path,
      hostname: run.settings.ip,
      parent: null,
      time: new Date(info.created),
      signal: run.signal,
      describe: (seen) => describeMirror(task, seen, sequence),
      onProgress: ({ bytes, files, path }) =>
        run.progress({ bytesDone: bytes, filesDone: files, currentPath: bytesToText(path) }),
      onWarning: ({ path, message }) => run.warn(`${bytesToText(path)} of the mirror: ${message}`),
    }),
  )
}

async function describeMirror(
  task: SeriesTask,
  seen: WalkResult,
  sequence: number,
): Promise<SnapshotDescription> {
  const { args, run, store } = task
  if (seen.faults > 0)
    throw new BackupdError('STORE_UNAVAILABLE', `${seen.faults} of its files could not be read`)
  await store.assertOwner()
  const facts = makeSnapshotFacts(task, seen, { sequence, suspect: null, isPartial: false })
  return { tags: [...makeTags(args.archive, run.rid, false), MIRROR_TAG], facts }
}
