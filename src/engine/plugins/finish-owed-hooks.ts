import { recreatePlaces } from '../../hooks/create-places.ts'
import type { HookReport } from '../../hooks/describe-call.ts'
import {
  deleteHookJournal,
  type HookJournal,
  hookJournalFile,
  listUnwrittenRuns,
  readHookJournals,
} from '../../hooks/hook-journal.ts'
import { VolumeHooks } from '../../hooks/volume-hooks.ts'
import { hasCode } from '../../lib/errors.ts'
import { countStep } from '../../lib/work-steps.ts'
import { FINISHED, STORED } from '../../wire/failed-run.ts'
import { RECOVER_HOOKS } from '../../wire/hook.ts'
import type { HookRun } from '../../wire/record.ts'
import type { RunContext } from '../plugin.ts'
import { acquireLocks, lifeLock } from '../run-locks.ts'
import { describeUnsaved, logHook } from './hook-reports.ts'

/** The hooks of an interrupted run, after they were run. */
export interface FinishedHooks {
  volume: string
  rid: string
  /** FINISHED if it is a recover that had replaced the content of its volume, STORED if its backup was stored. */
  outcome: string | null
  /** What became of each, one sentence. */
  hooks: string[]
  /** All calls of the run, also those before it was interrupted. */
  hookRuns: HookRun[]
}

export interface OwedHooks {
  finished: FinishedHooks[]
  /** Hooks that cannot be run now. */
  locked: (FinishedHooks & { journal: string; reason: string })[]
}

/** The runs that have died and owe hooks. @param volumes real paths; all if left out */
export async function findOwedHooks(
  context: Pick<RunContext, 'settings' | 'isRunning' | 'log'>,
  volumes?: readonly string[],
): Promise<HookJournal[]> {
  await removeUnwrittenJournals(context)
  const { journals, broken } = await readHookJournals(context.settings.dataDir)
  for (const { file, reason } of broken)
    context.log('error', `the hooks noted in "${file}" cannot be read: run what they would, then delete it`, {
      reason,
    })
  const asked = journals.filter(({ volume }) => !volumes || volumes.includes(volume))
  const isDead = await Promise.all(asked.map(async ({ rid }) => !(await context.isRunning(rid))))
  return asked.filter((_journal, at) => isDead[at])
}

/** What runs left that were killed while they wrote their first journal. */
async function removeUnwrittenJournals({
  settings: { dataDir },
  isRunning,
}: Pick<RunContext, 'settings' | 'isRunning'>): Promise<void> {
  for (const rid of await listUnwrittenRuns(dataDir))
    if (!(await isRunning(rid))) await deleteHookJournal(dataDir, rid)
}

/** Runs the hooks that dead runs owe, each at least once. */
export async function finishOwedHooks(
  context: RunContext,
  journals: readonly HookJournal[],
): Promise<OwedHooks> {
  const owed: OwedHooks = { finished: [], locked: [] }
  for (const journal of journals) {
    const { volume, rid } = journal
    const hooks: string[] = []
    const problems = await finishOne(context, journal, (report) => {
      hooks.push(report.failure || `${report.title} succeeded`)
      logHook(report, context)
    })
    const file = hookJournalFile(context.settings.dataDir, rid)
    const reason = `the run ${rid} was interrupted and owes hooks that cannot be run now: ${problems.join('; ')}`
    const hookRuns = journal.calls.flatMap(({ run }) => run ?? [])
    const finished = { volume, rid, outcome: readOutcome(journal), hooks, hookRuns }
    if (problems.length > 0) owed.locked.push({ ...finished, journal: file, reason })
    else owed.finished.push(finished)
  }
  return owed
}

function readOutcome({ hooks, state }: HookJournal): string | null {
  const isRecover = hooks.some(({ word }) => RECOVER_HOOKS.some((one) => one === word))
  if (state === 'success') return isRecover ? FINISHED : STORED
  return state === 'partial' && !isRecover ? STORED : null
}

async function finishOne(
  { settings, clock, log }: RunContext,
  journal: HookJournal,
  onEnd: (report: HookReport) => void,
): Promise<string[]> {
  const { dataDir, hooks = {} } = settings
  const world = { clock, alive: countStep }
  const places = recreatePlaces(journal.begun, { settings: hooks, world })
  try {
    const lock = await acquireLocks(dataDir, [lifeLock(`hooks-${journal.rid}`)])
    try {
      const onUnsaved = (error: unknown) => log('warn', describeUnsaved(error))
      return await new VolumeHooks(journal, { ...world, dataDir, places, onEnd, onUnsaved }).finish('failed')
    } finally {
      lock.release()
    }
  } catch (error) {
    if (hasCode(error, 'CONFLICT')) return ['another process runs them']
    throw error
  }
}
