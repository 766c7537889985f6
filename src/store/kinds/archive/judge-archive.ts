import { compareSamples } from '../../../archive/file-sample.ts'
import type { PackSummary } from '../../../archive/pack.ts'
import { isoTime } from '../../../lib/clock.ts'
import type { BackupInfo } from '../../../wire/backup.ts'
import { MAX_UNUSUAL_HOLDS } from '../../../wire/hold.ts'
import type { BackupTask } from '../../new-backup.ts'
import type { ArchiveRuns, StoreParts } from '../../store-parts.ts'
import { findDayNumber, makeHold, warnOfUnusual } from '../unusual/describe-unusual.ts'
import { judgeRun } from '../unusual/judge-run.ts'
import { printHistory } from '../unusual/run-history.ts'

interface JudgedArchive extends Pick<BackupTask, 'args' | 'run' | 'step'> {
  store: StoreParts
}

interface ArchiveVerdict {
  /** For its manifest. */
  history: string
  /** The backup that is kept from now on, because this one is unusual; undefined if there is none. */
  held: BackupInfo | undefined
}

/**
 * Compares a full backup with the runs before it, before it is published. If it is unusual, the last good one before it is
 * held first, so that no crash and no other run lets it expire. An empty or unmounted volume says nothing about what is usual.
 */
export async function judgeArchive(
  archive: JudgedArchive,
  { bytes, files, sample }: PackSummary,
  { runs, suspect }: { runs: ArchiveRuns; suspect: string | null },
): Promise<ArchiveVerdict> {
  if (suspect !== null) return { history: printHistory(runs.history), held: undefined }
  const { newest } = runs
  const before = newest?.app === archive.args.app ? newest.sample : undefined
  const changed = before === undefined ? null : compareSamples(before, sample)
  const day = findDayNumber(archive.run.clock.now())
  const { reasons, history } = judgeRun({ bytes, files, changed }, runs.history, day)
  const held =
    reasons.length === 0
      ? undefined
      : await archive.step('hold the last good backup', () => holdPoint(archive, runs, reasons))
  return { history: printHistory(history), held }
}

async function holdPoint(
  { args, run, store }: JudgedArchive,
  runs: ArchiveRuns,
  reasons: readonly string[],
): Promise<BackupInfo | undefined> {
  if (runs.held >= MAX_UNUSUAL_HOLDS || runs.point?.isHeld) {
    run.warn(warnOfUnusual(reasons, 'An earlier backup'))
    return undefined
  }
  const text = makeHold(reasons, { rid: run.rid, at: isoTime(run.clock.now()) })
  const tryHold = async ({ point }: ArchiveRuns) => point && (await store.hold(point.name, text))
  // The point may have been deleted, or found corrupt, since this run began.
  const volume = { namespace: run.settings.ip, source: args.path, app: args.app }
  const held = (await tryHold(runs)) ?? (await tryHold(await store.findRuns(volume)))
  run.warn(warnOfUnusual(reasons, held ? `"${held.name}"` : null))
  return held
}
