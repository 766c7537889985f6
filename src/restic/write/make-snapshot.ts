// Writes a snapshot of a volume into a restic repository. The main thread walks the volume (volume-archiver.ts) and
// builds trees (tree-builder.ts); a pool of threads (content-pool.ts) reads file content, cuts it into chunks and
// makes blobs. Entries that did not change since the parent snapshot are not read again (unchanged.ts).
// src/store/kinds/series uses it. It knows no series and no retention: the caller chooses the parent, tags and facts.

import { addAbortListener } from 'node:events'
import { hasCode } from '../../lib/errors.ts'
import type { TreeWarning } from '../../volume/tree/entry.ts'
import { flushVolume } from '../../volume/tree/flush-volume.ts'
import type { WalkOptions } from '../../volume/tree/inspector.ts'
import { LinkTable } from '../../volume/tree/link-table.ts'
import { readBeginTime } from '../../volume/tree/recheck/begin-time.ts'
import { findChangedFiles } from '../../volume/tree/recheck/changed-files.ts'
import type { Missed } from '../../volume/tree/recheck/missed.ts'
import { RecheckSteps } from '../../volume/tree/recheck/recheck-steps.ts'
import { walkAgain } from '../../volume/tree/recheck/walk-again.ts'
import { WalkLog } from '../../volume/tree/recheck/walk-log.ts'
import { sortedWalk } from '../../volume/tree/sorted-walk.ts'
import { type OpenVolume, openVolume } from '../../volume/tree/volume.ts'
import { parseGoTime } from '../nodes/go-time.ts'
import { encodeSnapshot, type SnapshotFile } from '../nodes/snapshot-file.ts'
import { volumeTree } from '../read/volume-tree.ts'
import type { PackWriter, Repository } from '../repository/repository.ts'
import { Backlog } from './backlog.ts'
import { ContentPool } from './content-pool.ts'
import { countFiles } from './count-files.ts'
import { Counts } from './counts.ts'
import { FileReader, type Warn } from './file-reader.ts'
import { mergeTrees } from './merge-trees.ts'
import { removeUnsupported } from './remove-unsupported.ts'
import { RunProgress } from './run-progress.ts'
import type { MakeSnapshotInput, SnapshotDescription, SnapshotSummary, WalkResult } from './snapshot-input.ts'
import { storeParents } from './store-parents.ts'
import type { BuiltTree } from './tree-builder.ts'
import { VolumeArchiver } from './volume-archiver.ts'

/**
 * Makes a snapshot of a volume. Writes packs, then their index, and publishes the snapshot's file as the last step.
 * Warns about entries that are not, or not exactly, in it. Throws VOLUME_MISSING, SNAPSHOT_CORRUPT if the parent's
 * trees cannot be read, errors of the driver, and the signal's reason. An abort waits for the store, but not for the
 * volume. Nothing is written after it ends, so that the lock can be released.
 */
export async function makeSnapshot(input: MakeSnapshotInput): Promise<SnapshotSummary> {
  const { repository, lock } = input
  const signal = AbortSignal.any([input.signal, lock.signal])
  signal.throwIfAborted()
  const packs = repository.beginPacks({ assertHeld: () => lock.assertHeld() })
  const abandoned = Promise.withResolvers<never>()
  const abandon = () => packs.abandon().then(() => abandoned.reject(signal.reason), abandoned.reject)
  const listener = addAbortListener(signal, () => void abandon())
  using _listener = listener
  // Once the snapshot's file is being published, an abort waits for that, because it may still succeed.
  const made = make({ ...input, signal }, packs, () => listener[Symbol.dispose]())
  made.catch(() => {})
  // A file operation on a mount that does not answer cannot be cancelled, so an abort does not wait for the volume.
  return await Promise.race([made, abandoned.promise])
}

async function make(
  input: MakeSnapshotInput,
  packs: PackWriter,
  onPublish: () => void,
): Promise<SnapshotSummary> {
  const { repository, lock, signal } = input
  using opened = await openVolume(input.volume)
  const [volume] = await Promise.all([flushVolume(opened, input), repository.loadIndex()])
  try {
    const seen = await archive(input, volume, packs)
    signal.throwIfAborted()
    const { tags, facts } = await input.describe(seen)
    signal.throwIfAborted()
    onPublish()
    await lock.assertHeld()
    const snapshotId = await repository.saveUnpacked(
      'snapshots',
      encodeSnapshotFile(input, seen, { tags, facts }),
    )
    return { ...seen, snapshotId }
  } catch (error) {
    await packs.abandon()
    throw error
  }
}

async function archive(input: MakeSnapshotInput, volume: OpenVolume, packs: PackWriter): Promise<WalkResult> {
  const { repository, parent, signal } = input
  const counts = new Counts()
  const progress = new RunProgress(parent?.snapshot.backupd ?? null, input.onProgress)
  const onBytes = (bytes: number) => progress.addBytes(bytes)
  const pool = new ContentPool({ repository, packs, workers: input.workers, onBytes })
  using _listener = addAbortListener(signal, () => void pool.close())
  using links = new LinkTable()
  using log = new WalkLog()
  const beginNs = await readBeginTime(volume.kernel)
  const parts: Parts = { volume, packs, pool, counts, progress, links, log }
  try {
    const warn = countFaults(counts, input.onWarning)
    for (const left of removeUnsupported(volume.root)) warn({ ...left, path: volume.root.path })
    const before = parent && (await findParentTree(repository, parent.snapshot, findSourcePath(input)))
    let { id: volumeTreeId } = await archiveWalk(input, parts, { before })
    const onRecheck = (path: Buffer) => progress.addRecheck(path)
    const steps = new RecheckSteps({ signal, onWarning: warn, onRecheck })
    await walkAgain(volume, { ...makeWalkOptions(input, warn), log, beginNs, steps }, async (missed) => {
      const { id } = await archiveWalk(input, parts, { before: null, missed })
      await packs.finish()
      volumeTreeId = await mergeTrees({ repository, packs }, volumeTreeId, id)
    })
    volume.losses.report(warn)
    const changedWhileRead = await findChangedFiles(volume, log, { beginNs, steps })
    counts.entries++
    const store = { repository, packs }
    const tree = await storeParents(volume, findSourcePath(input), { tree: volumeTreeId, store })
    counts.filesDeleted += await countFiles(repository, counts.goneTrees, signal)
    const { bytes: bytesAdded } = await packs.finish()
    return { ...toSeen(counts, volume, { tree, bytesAdded }), changedWhileRead }
  } finally {
    await pool.close()
  }
}

interface WalkStep {
  /** The tree of the volume in the parent snapshot. */
  before: Buffer | null
  /** Limits the walk to these entries. */
  missed?: Missed
}

/** Walks the volume, or a part of it, and resolves with its tree. */
async function archiveWalk(
  input: MakeSnapshotInput,
  parts: Parts,
  { before, missed }: WalkStep,
): Promise<BuiltTree> {
  const { counts, log, volume } = parts
  const archiver = makeArchiver(input, parts, missed)
  const warn = countFaults(counts, input.onWarning)
  const walk = sortedWalk(volume, {
    ...makeWalkOptions(input, (warning) => {
      if (warning.severity === 'fault') archiver.noteFault(warning.path)
      warn(warning)
    }),
    log,
    part: missed,
    beforeNames: (last) => archiver.reach(last),
    isKnown: (entry) => archiver.isKnown(entry),
  })
  return await archiver.archive(walk, before)
}

function makeWalkOptions({ signal, whyLeftOut }: MakeSnapshotInput, onWarning: WalkOptions['onWarning']) {
  return { signal, whyLeftOut, onWarning }
}

function findSourcePath({ sourcePath, volume }: MakeSnapshotInput): string {
  return sourcePath ?? volume
}

interface Parts {
  volume: OpenVolume
  packs: PackWriter
  pool: ContentPool
  counts: Counts
  progress: RunProgress
  links: LinkTable
  log: WalkLog
}

/** The number of nodes that may wait for their content, or for an earlier node. */
const MAX_BACKLOG = 1024

function makeArchiver(
  input: MakeSnapshotInput,
  { volume, packs, pool, counts, progress, links }: Parts,
  missed: Missed | undefined,
): VolumeArchiver {
  const { hasTrueSizes } = volume
  const onWarning = countFaults(counts, input.onWarning)
  const warn: Warn = (severity, path, message) => onWarning({ severity, path, message })
  const before = input.parent?.snapshot
  const beforeNs = parseGoTime(before?.time ?? '') ?? 0n
  // Snapshots by restic, on machines without kernel calls, or by versions without inode flags lack some attributes.
  const hasAttributes = before?.backupd?.notKept.length === 0 && before.backupd.inodeFlags === true
  return new VolumeArchiver({
    repository: input.repository,
    packs,
    counts,
    links,
    files: new FileReader(pool, warn),
    warn,
    backlog: new Backlog(MAX_BACKLOG),
    rule: {
      reread: input.reread === true,
      beforeNs,
      hasAttributes,
      hasTrueSizes,
      hasData: (id) => packs.has('data', id),
    },
    onKept(entry, unchanged) {
      // Already counted by the first walk.
      if (missed?.leadsTo(entry.path)) counts.entries--
      else progress.addEntry(entry, unchanged)
    },
  })
}

function countFaults(counts: Counts, onWarning: (warning: TreeWarning) => void) {
  return (warning: TreeWarning) => {
    if (warning.severity === 'fault') counts.faults++
    onWarning(warning)
  }
}

/** null if the parent is of another volume. */
async function findParentTree(
  repository: Repository,
  parent: SnapshotFile,
  path: string,
): Promise<Buffer | null> {
  try {
    return (await volumeTree(repository, parent, path)).tree
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return null
    throw error
  }
}

function toSeen(
  counts: Counts,
  volume: OpenVolume,
  { tree, bytesAdded }: { tree: Buffer; bytesAdded: number },
): Omit<WalkResult, 'changedWhileRead'> {
  const { goneTrees: _gone, others, ...shown } = counts
  return {
    ...shown,
    tree,
    bytesAdded,
    root: { device: volume.device, mountPoint: volume.mounts().here },
    empty: others === 0,
    notKept: volume.notKept,
  }
}

function encodeSnapshotFile(
  input: MakeSnapshotInput,
  { tree }: WalkResult,
  { tags, facts }: SnapshotDescription,
): Buffer {
  return encodeSnapshot({
    time: input.time.toISOString(),
    tree,
    parent: input.parent?.id ?? null,
    paths: [findSourcePath(input)],
    hostname: input.hostname,
    username: '',
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    tags,
    original: null,
    backupd: facts,
  })
}
