import { addAbortListener } from 'node:events'
import { availableParallelism } from 'node:os'
import type { ObjectWriter } from '../objects/driver.ts'
import type { TreeWarning } from '../volume/tree/entry.ts'
import { flushVolume } from '../volume/tree/flush-volume.ts'
import { createLinkTable, type LinkTable } from '../volume/tree/link-table.ts'
import type { WalkOptions } from '../volume/tree/looker.ts'
import { readBeginTime } from '../volume/tree/recheck/begin-time.ts'
import { type ChangedFiles, findChangedFiles } from '../volume/tree/recheck/changed-files.ts'
import { RecheckSteps } from '../volume/tree/recheck/recheck-steps.ts'
import { walkAgain } from '../volume/tree/recheck/walk-again.ts'
import { WalkLog } from '../volume/tree/recheck/walk-log.ts'
import { walkMissed } from '../volume/tree/recheck/walk-missed.ts'
import { openVolume } from '../volume/tree/volume.ts'
import { walkTree } from '../volume/tree/walk.ts'
import { createGzipMembers } from './gzip-members.ts'
import { createIndexWriter } from './index-writer.ts'
import { type Packing, packItem } from './pack-entry.ts'

export interface PackInput {
  /** Absolute path of an existing directory. */
  volume: string
  /** The one directory at the top of the archive, one component. */
  topName: Buffer
  out: ObjectWriter
  index: ObjectWriter
  signal: AbortSignal
  /** As WalkOptions has it. */
  whyLeftOut?: WalkOptions['whyLeftOut']
  /** Totals so far, and what is being read, or looked at again. Called often: keep it cheap. */
  onProgress(done: { bytes: number; files: number; path: Buffer; phase?: 'recheck' }): void
  onWarning(warning: TreeWarning): void
}

export interface PackSummary {
  /** The archive as written. */
  size: number
  sha256: string
  index: { size: number; sha256: string }
  /** Everything in the archive, the volume itself included. */
  entries: number
  files: number
  /** Bytes of file content. */
  bytes: number
  tarBytes: number
  /** `device` is `major:minor` of the file system the volume lies on. */
  root: { device: string; mountPoint: boolean }
  /** Nothing but directories in it. */
  empty: boolean
  faults: number
  /** What this machine cannot keep; empty normally. */
  notKept: string[]
  /** Files in it that changed since the run began. */
  changedWhileRead: ChangedFiles
}

/**
 * Writes a volume as a standard posix tar in gzip members, and its index beside it; syncs and publishes nothing.
 * The archive is whole whatever happens in the volume meanwhile: what is not, or not exactly, in it is warned of.
 * Throws VOLUME_MISSING, what the writers throw, and the signal's reason, at once.
 */
export async function packArchive(input: PackInput): Promise<PackSummary> {
  const { signal } = input
  signal.throwIfAborted()
  const packed = pack(input)
  packed.catch(() => {})
  const aborted = Promise.withResolvers<never>()
  using _listener = addAbortListener(signal, () => aborted.reject(signal.reason))
  // A file operation on a mount that does not answer cannot be ended: nobody waits for it.
  return await Promise.race([packed, aborted.promise])
}

const BLOCK_SIZE = 1 << 20
/** Each takes memory, and threads of the pool from those that read. */
const MOST_CORES = 8
/** One is filled, one is written, the others are compressed. */
const BLOCKS = Math.min(availableParallelism(), MOST_CORES) + 2
/** GNU tar's record: archives end on a multiple of it. */
const RECORD_SIZE = 10240

async function pack(input: PackInput): Promise<PackSummary> {
  using opened = await openVolume(input.volume)
  using links = createLinkTable()
  using log = new WalkLog()
  const packing = startPacking(input, links)
  const volume = await flushVolume(opened, packing)
  const { signal, whyLeftOut } = input
  const beginNs = await readBeginTime(volume.kernel)
  const { onWarning, onRecheck } = packing
  const steps = new RecheckSteps({ signal, onWarning, onRecheck })
  const options = { signal, whyLeftOut, log, beginNs, onWarning, steps }
  for await (const items of walkTree(volume, options)) {
    for (const item of items) await packItem(packing, item)
  }
  await walkAgain(volume, options, async (missed) => {
    for await (const item of walkMissed(volume, missed, options)) await packItem(packing, item)
  })
  volume.losses.report(onWarning)
  const changedWhileRead = await findChangedFiles(volume, log, options)
  await putEnd(packing)
  const { counts } = packing
  const archive = await packing.stream.end()
  return {
    size: archive.size,
    sha256: archive.sha256,
    index: await packing.index.end(archive.plainBytes),
    entries: counts.entries,
    files: counts.files,
    bytes: counts.bytes,
    tarBytes: archive.plainBytes,
    root: { device: volume.device, mountPoint: volume.mounts().here },
    empty: counts.others === 0,
    faults: packing.faults(),
    notKept: volume.notKept,
    changedWhileRead,
  }
}

function startPacking({ topName, out, index: indexOut, signal, ...tell }: PackInput, links: LinkTable) {
  const counts = { entries: 0, files: 0, bytes: 0, others: 0 }
  const index = createIndexWriter(indexOut, topName)
  const stream = createGzipMembers({ out, blockSize: BLOCK_SIZE, blocks: BLOCKS, onMember: index.addMember })
  let faults = 0
  const onWarning = (warning: TreeWarning) => {
    if (warning.severity === 'fault') faults++
    tell.onWarning(warning)
  }
  return {
    topName,
    stream,
    index,
    links,
    signal,
    counts,
    onWarning,
    faults: () => faults,
    warn: (severity: TreeWarning['severity'], path: Buffer, message: string) =>
      onWarning({ severity, path, message }),
    progress: (path: Buffer) => tell.onProgress({ bytes: counts.bytes, files: counts.files, path }),
    onRecheck: (path: Buffer) =>
      tell.onProgress({ bytes: counts.bytes, files: counts.files, path, phase: 'recheck' }),
  }
}

/** Two blocks of zeros, and as many more as fill the last record. */
async function putEnd({ stream }: Packing): Promise<void> {
  const end = stream.position + 2 * 512
  await stream.append(Buffer.alloc(Math.ceil(end / RECORD_SIZE) * RECORD_SIZE - stream.position))
}
