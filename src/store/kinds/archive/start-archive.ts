import { basename } from 'node:path'
import { type PackSummary, packArchive } from '../../../archive/pack.ts'
import { bytesToText } from '../../../lib/byte-paths.ts'
import { messageOf } from '../../../lib/errors.ts'
import { findOwnStaging } from '../../../volume/swap/find-own-staging.ts'
import type { MadeInDoubt, Manifest } from '../../../wire/backup.ts'
import type { BackupTask, MadeBackup, NewBackup } from '../../new-backup.ts'
import type { ManifestFacts, PendingBackup, StoreParts } from '../../store-parts.ts'
import { describeChanged } from '../describe-changed.ts'
import { findSuspicion } from '../suspicion.ts'
import { judgeArchive } from './judge-archive.ts'

/** An archive under way. */
interface NewArchive extends BackupTask {
  store: StoreParts
  pending: PendingBackup
}

/** Reserves the name of a full backup. If it is not published, nothing is left of it in the store. */
export async function startArchive(store: StoreParts, task: BackupTask): Promise<NewBackup> {
  const { args, run, step } = task
  const { archive, path: source } = args
  const { rid, isRunning } = run
  const pending = await step('begin', () => store.begin({ archive, rid, source, isRunning }))
  return {
    name: pending.name,
    make: (clockDoubt) => packAndPublish({ ...task, store, pending }, clockDoubt),
    async [Symbol.asyncDispose]() {
      await pending.abandon().catch((error: unknown) => {
        run.warn(
          `what was written of "${pending.name}" could not be removed (${messageOf(error)}); a restart sweeps it`,
        )
      })
    },
  }
}

async function packAndPublish(archive: NewArchive, clockDoubt: MadeInDoubt | undefined): Promise<MadeBackup> {
  const { args, run, store, pending, step } = archive
  const volume = { namespace: run.settings.ip, source: args.path, app: args.app }
  const runs = await step('find the previous backup', () => store.findRuns(volume))
  const { newest: before } = runs
  run.progress({ phase: 'pack', bytesTotal: before?.bytes ?? null, filesTotal: before?.files ?? null })
  const summary = await step('pack', () => pack(archive, before))
  const suspect = findSuspicion(summary, before)
  const reasons = await archive.listReasons(summary, suspect)
  const { history, held } = await judgeArchive(archive, summary, { runs, suspect })
  const facts = collectFacts(archive, summary, { suspect, isPartial: reasons.length > 0, history })
  run.progress({ phase: 'publish', currentPath: null })
  const { info } = await step('publish', () => pending.publish({ ...facts, clockDoubt }))
  const changedWhileRead = describeChanged(summary.changedWhileRead)
  return { info, reasons, changedWhileRead, counts: {}, ...(held && { held }) }
}

/** Expects the totals of the previous backup until they are exceeded. */
function pack(
  { args, run, volume, warnings, pending }: NewArchive,
  before: Manifest | undefined,
): Promise<PackSummary> {
  return packArchive({
    volume: volume.place,
    topName: Buffer.from(basename(args.path)),
    out: pending.object,
    index: pending.index,
    signal: run.signal,
    whyLeftOut: findOwnStaging(run.settings.dataDir, volume.path),
    onProgress: ({ bytes, files, path, ...phase }) => {
      const outgrown = before && (bytes > before.bytes || files > before.files)
      const totals = outgrown ? { bytesTotal: null, filesTotal: null } : {}
      run.progress({
        bytesDone: bytes,
        filesDone: files,
        currentPath: bytesToText(path),
        ...totals,
        ...phase,
      })
    },
    onWarning: (warning) => warnings.addVolumeWarning(warning),
  })
}

function collectFacts(
  { args, run, warnings }: NewArchive,
  summary: PackSummary,
  { suspect, isPartial, history }: { suspect: string | null; isPartial: boolean; history: string },
): ManifestFacts {
  const { app, proc, volume, instanceNo, containers, path: source } = args
  const { size, sha256, index, entries, files, bytes, tarBytes, root, notKept, sample } = summary
  return {
    mode: 'full',
    app,
    proc,
    volume,
    instanceNo,
    containers,
    source,
    rid: run.rid,
    jobId: run.jobId,
    state: isPartial ? 'partial' : 'success',
    suspect,
    size,
    sha256,
    index,
    entries,
    files,
    bytes,
    tarBytes,
    root,
    notKept,
    warnings: warnings.kept,
    warningCount: warnings.count,
    changedWhileRead: describeChanged(summary.changedWhileRead),
    history,
    sample,
  }
}
