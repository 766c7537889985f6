import { basename } from 'node:path'
import { type PackSummary, packArchive } from '../../../archive/pack.ts'
import { bytesToText } from '../../../lib/byte-paths.ts'
import { messageOf } from '../../../lib/errors.ts'
import { namedSteps, type Steps } from '../../../lib/steps.ts'
import type { ManifestFacts, PendingBackup, Store } from '../../../store/store.ts'
import type { HeldVolume } from '../../../volume/held-volume.ts'
import { findOwnStaging } from '../../../volume/swap/find-own-staging.ts'
import type { TreeWarning } from '../../../volume/tree/entry.ts'
import type { MadeInDoubt, Manifest } from '../../../wire/backup.ts'
import type { BackupArgs } from '../../../wire/job.ts'
import type { RunContext, RunOutcome } from '../../plugin.ts'
import { claimSettledVolume } from '../claim-settled-volume.ts'
import { warningText } from '../warning-text.ts'
import { openRunStore, openRunVolume } from './begin.ts'
import { describeChanged } from './changed-while-read.ts'
import { readClockDoubt } from './clock-doubt.ts'
import { listPartialReasons } from './reasons.ts'
import { suspicionOf } from './suspicion.ts'
import { collectWarnings, type Warnings } from './warnings.ts'

/** One backup under way. */
interface Backup extends Steps {
  args: BackupArgs
  context: RunContext
  store: Store
  volume: HeldVolume
  warnings: Warnings
}

/**
 * Reserves a name, packs the archive and publishes it. If this throws, nothing is left in the store.
 * @throws what the steps throw, each with the step's name: FORBIDDEN, VOLUME_MISSING, VOLUME_LOCKED, STORE_FULL,
 * STORE_UNAVAILABLE, CONFLICT
 */
export async function backUp(args: BackupArgs, context: RunContext): Promise<RunOutcome> {
  const { step } = namedSteps(`Cannot back up "${args.path}"`, context.signal)
  using volume = await step('check the volume', () => openRunVolume(args.path, context))
  await using _claim = await step('claim the volume', () => claimSettledVolume(context, volume.path))
  const store = await step('open the store', () => openRunStore(context))
  const run: Backup = { args, context, store, volume, step, warnings: collectWarnings(context) }
  const { archive, path: source } = args
  const { rid, isRunning } = context
  const pending = await step('begin', () => store.begin({ archive, rid, source, isRunning }))
  const clockDoubt = readClockDoubt(context, run.warnings)
  try {
    return await packAndPublish(run, pending, clockDoubt)
  } finally {
    await pending.abandon().catch((error: unknown) => {
      context.warn(
        `what was written of "${pending.name}" could not be removed (${messageOf(error)}); a restart sweeps it`,
      )
    })
  }
}

async function packAndPublish(
  run: Backup,
  pending: PendingBackup,
  clockDoubt: MadeInDoubt | undefined,
): Promise<RunOutcome> {
  const { args, context, store, step } = run
  const before = await step('look at the backup before', () => store.newest(context.settings.ip, args.path))
  context.progress({ phase: 'pack', bytesTotal: before?.bytes ?? null, filesTotal: before?.files ?? null })
  const summary = await step('pack', () => pack(run, pending, before))
  const suspect = suspicionOf(summary, before)
  const reasons = listPartialReasons(run, summary, suspect)
  const facts = collectFacts(run, summary, { suspect, isPartial: reasons.length > 0 })
  context.progress({ phase: 'publish', currentPath: null })
  const { info } = await step('publish', () => pending.publish({ ...facts, clockDoubt }))
  return {
    state: info.state,
    reason: reasons.join('; '),
    result: {
      ...{ file: info.name, size: info.size, backup: info },
      changedWhileRead: describeChanged(summary.changedWhileRead),
    },
  }
}

/** Expects the totals of the previous backup until they are exceeded. */
function pack(
  { args, context, volume, warnings }: Backup,
  pending: PendingBackup,
  before: Manifest | undefined,
): Promise<PackSummary> {
  return packArchive({
    volume: volume.place,
    topName: Buffer.from(basename(args.path)),
    out: pending.object,
    index: pending.index,
    signal: context.signal,
    whyLeftOut: findOwnStaging(context.settings.dataDir, volume.path),
    onProgress: ({ bytes, files, path, ...phase }) => {
      const outgrown = before && (bytes > before.bytes || files > before.files)
      const totals = outgrown ? { bytesTotal: null, filesTotal: null } : {}
      context.progress({
        bytesDone: bytes,
        filesDone: files,
        currentPath: bytesToText(path),
        ...totals,
        ...phase,
      })
    },
    onWarning: (warning: TreeWarning) => warnings.add(warningText(warning)),
  })
}

interface Verdict {
  suspect: string | null
  isPartial: boolean
}

function collectFacts(
  { args, context, warnings }: Backup,
  summary: PackSummary,
  { suspect, isPartial }: Verdict,
): ManifestFacts {
  const { app, proc, volume, instanceNo, containers, path: source } = args
  const { size, sha256, index, entries, files, bytes, tarBytes, root, notKept } = summary
  return {
    ...{
      mode: 'full',
      app,
      proc,
      volume,
      instanceNo,
      containers,
      source,
      rid: context.rid,
      jobId: context.jobId,
    },
    ...{ state: isPartial ? 'partial' : 'success', suspect },
    ...{ size, sha256, index, entries, files, bytes, tarBytes, root, notKept },
    ...{ warnings: warnings.kept, warningCount: warnings.count },
    changedWhileRead: describeChanged(summary.changedWhileRead),
  }
}
