import { messageOf } from '../lib/errors.ts'
import { isTerminal } from '../wire/record.ts'
import type { EngineOptions } from './engine-options.ts'
import { makeStateLine } from './run-log.ts'
import type { Runs } from './runs.ts'
import { endInterrupted, type InterruptedEnd } from './settle.ts'
import { joinSettled, type UnfinishedRun } from './settle-volumes.ts'

type Finishing = Pick<EngineOptions, 'memory' | 'clock' | 'log'> & { runs: Runs }

const WHAT: Record<UnfinishedRun['owes'], string> = {
  copy: 'the copy in place of the recover RID was interrupted and is being finished',
  hooks: 'the run RID was interrupted, and its hooks are being run',
}

/**
 * Finishes a copy in place, or runs the hooks, of a run that the end of the previous daemon process interrupted. Only its
 * volume is locked meanwhile. Its record ends as soon as the outcome is known.
 */
export async function finishInterrupted(
  finishing: Finishing,
  { volume, rid, owes, settled: before }: UnfinishedRun,
): Promise<void> {
  const record = finishing.memory.unfinished().find((one) => one.rid === rid)
  let written = Promise.resolve()
  // One after the other: a second end must find the first one in the memory.
  const end = (how: InterruptedEnd) => {
    if (!record) return
    written = written.then(() => endRecord(finishing, endInterrupted(record, how, finishing.clock)))
  }
  const reason = WHAT[owes].replace('RID', rid)
  finishing.log.warn({ volume, rid }, `The volume ${volume} is locked: ${reason}`)
  await finishing.runs.locks.settle([volume], {
    reason,
    onLocked: (locked) => end({ owes, locked, settled: before }),
    onSettled: (settled) => {
      if (settled.rid === rid) end({ settled: joinSettled(before, settled) })
    },
  })
}

/** Leaves a record that has already ended unchanged, but replaces its reported problem. */
async function endRecord(
  { memory, log, runs }: Finishing,
  record: ReturnType<typeof endInterrupted>,
): Promise<void> {
  const known = memory.find(record.rid)
  runs.failed.note(record, { isQuiet: false })
  if (!known || isTerminal(known.state)) return
  memory.addLog(record.rid, [makeStateLine(record)])
  await memory.keep([record]).catch((error: unknown) => {
    log.error({ rid: record.rid, error: messageOf(error) }, 'the end of a run could not be written')
  })
}
