// Full backups: plain tar.gz files with an index of their entries. pack.ts writes a volume (pack-entry.ts, member-
// header.ts, gzip-members.ts), unpack.ts restores an archive into an empty directory, verify.ts reads one without
// writing. tar-entries.ts reads the archives of any tar: old, ustar, GNU and pax headers, sparse files. index-
// format.ts describes the index. The store's archives use it. It knows no names, manifests or retention, and treats
// archives as hostile.

import { addAbortListener } from 'node:events'
import { availableParallelism } from 'node:os'
import type { ByteSink } from '../objects/driver.ts'
import type { TreeWarning } from '../volume/tree/entry.ts'
import { flushVolume } from '../volume/tree/flush-volume.ts'
import type { WalkOptions } from '../volume/tree/inspector.ts'
import { LinkTable } from '../volume/tree/link-table.ts'
import { readBeginTime } from '../volume/tree/recheck/begin-time.ts'
import { type ChangedFiles, findChangedFiles } from '../volume/tree/recheck/changed-files.ts'
import { RecheckSteps } from '../volume/tree/recheck/recheck-steps.ts'
import { walkAgain } from '../volume/tree/recheck/walk-again.ts'
import { WalkLog } from '../volume/tree/recheck/walk-log.ts'
import { walkMissed } from '../volume/tree/recheck/walk-missed.ts'
import { openVolume } from '../volume/tree/volume.ts'
import { walkTree } from '../volume/tree/walk.ts'
import { FileSampler } from './file-sample.ts'
import { createGzipMembers } from './gzip-members.ts'
import { createIndexWriter } from './index-writer.ts'
import { type Packing, packItem } from './pack-entry.ts'

export interface PackInput {
  /** Absolute path of an existing directory. */
  volume: string
  /** The one directory at the top of the archive, one component. */
  topName: Buffer
  out: ByteSink
  index: ByteSink
  signal: AbortSignal
  /** See WalkOptions. */
  whyLeftOut?: WalkOptions['whyLeftOut']
  /** Totals so far, and the path that is being read, or checked again. Called often: keep it cheap. */
  onProgress(done: { bytes: number; files: number; path: Buffer; phase?: 'recheck' }): void
  onWarning(warning: TreeWarning): void
}

export interface PackSummary {
  /** The size of the archive, in bytes. */
  size: number
  sha256: string
  index: { size: number; sha256: string }
  /** All entries in the archive, the volume itself included. */
  entries: number
  files: number
  /** Bytes of file content. */
  bytes: number
  tarBytes: number
  /** `device` is `major:minor` of the volume's file system. */
  root: { device: string; mountPoint: boolean }
  /** The volume has only directories. */
  empty: boolean
  faults: number
  /** What this machine cannot keep, in words; normally empty. */
  notKept: string[]
  /** Files in the archive that changed since the run began. */
  changedWhileRead: ChangedFiles
  /** To compare its files with those of another archive: see file-sample.ts. */
  sample: string
}

/**
 * Writes a volume as a standard POSIX tar in gzip members, and its index. Does not sync or publish them.
 * The archive is complete even if the volume changes meanwhile; entries that are not, or not exactly, in it cause
 * warnings. Throws VOLUME_MISSING, errors of the writers, and the signal's reason as soon as it is aborted.
 */
export async function packArchive(input: PackInput): Promise<PackSummary> {
  const { signal } = input
  signal.throwIfAborted()
  const packed = pack(input)
  packed.catch(() => {})
  const aborted = Promise.withResolvers<never>()
  using _listener = addAbortListener(signal, () => aborted.reject(signal.reason))
  // A file operation on a mount that does not answer cannot be cancelled, so an abort does not wait for it.
  return await Promise.race([packed, aborted.promise])
}

const BLOCK_BYTES = 1 << 20
/** Compression with more cores needs more memory, and slows down reads, which use the same pool of threads. */
const MAX_CORES = 8
/** One block is filled, one is written, the others are compressed. */
const BLOCKS = Math.min(availableParallelism(), MAX_CORES) + 2
/** The size of an archive is a multiple of GNU tar's record. */
const RECORD_BYTES = 10240

async function pack(input: PackInput): Promise<PackSummary> {
  using opened = await openVolume(input.volume)
  using links = new LinkTable()
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
    sample: packing.sampler.toText(),
  }
}

function startPacking({ topName, out, index: indexOut, signal, ...callbacks }: PackInput, links: LinkTable) {
  const counts = { entries: 0, files: 0, bytes: 0, others: 0 }
  const index = createIndexWriter(indexOut, topName)
  const stream = createGzipMembers({ out, blockSize: BLOCK_BYTES, blocks: BLOCKS, onMember: index.addMember })
  let faults = 0
  const onWarning = (warning: TreeWarning) => {
    if (warning.severity === 'fault') faults++
    callbacks.onWarning(warning)
  }
  return {
    topName,
    stream,
    index,
    links,
    sampler: new FileSampler(),
    signal,
    counts,
    onWarning,
    faults: () => faults,
    warn: (severity: TreeWarning['severity'], path: Buffer, message: string) =>
      onWarning({ severity, path, message }),
    progress: (path: Buffer) => callbacks.onProgress({ bytes: counts.bytes, files: counts.files, path }),
    onRecheck: (path: Buffer) =>
      callbacks.onProgress({ bytes: counts.bytes, files: counts.files, path, phase: 'recheck' }),
  }
}

/** Writes two blocks of zeros, and more to fill the last record. */
async function putEnd({ stream }: Packing): Promise<void> {
  const end = stream.position + 2 * 512
  await stream.append(Buffer.alloc(Math.ceil(end / RECORD_BYTES) * RECORD_BYTES - stream.position))
}
