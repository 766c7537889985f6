import { isoTime } from '../../lib/clock.ts'
import { printDuration } from '../../lib/durations.ts'
import type { EndedRun } from '../health-ports.ts'
import type { JobEntry } from './job-entry.ts'
import type { JobFacts } from './rules.ts'
import type { VolumeState } from './states.ts'

export interface Explained {
  entry: JobEntry
  facts: JobFacts
  state: VolumeState
  /** Unix ms. */
  now: number
  /** What is wrong with its server, one sentence; empty if nothing is known. */
  server: string
  /** Unix ms: the begin of a run that has not ended; null if there is none. */
  activeSince: number | null
}

/** Why the job is in this state, with the facts: one sentence, two if an age or its server helps. */
export function explainState(explained: Explained): string {
  return SENTENCES[explained.state](explained)
}

const SENTENCES: Record<VolumeState, (explained: Explained) => string> = {
  CORRUPT: (it) => {
    const { newest } = it.facts.condition
    return `The newest ${nameJob(it)}, of ${printTime(newest?.at)}, is corrupt: ${newest?.corrupt}. ${describeLastGood(it)}`
  },
  NEVER: (it) =>
    `No good ${nameJob(it)} exists, although one was planned for ${printTime(it.facts.firstDue)}${describeAttempt(it)}${describeServer(it)}`,
  OVERDUE: (it) =>
    `The ${nameJob(it)} that was planned for ${printTime(it.facts.due)} has not ended${describeActive(it)}${describeLastRun(it)}${describeServer(it)}`,
  FAILING: (it) => {
    const { lastRun } = it.facts
    return `The last ${nameJob(it)} ${ENDS[lastRun?.state ?? 'failed']} at ${printTime(lastRun?.at)}${describeReason(lastRun)}. ${describeLastGood(it)}`
  },
  SUSPECT: (it) => {
    const { newest } = it.facts.condition
    return `The newest ${nameJob(it)}, of ${printTime(newest?.at)}, is suspect: ${newest?.suspect}. ${describeLastGood(it)}`
  },
  PARTIAL: (it) => {
    const { lastRun, condition } = it.facts
    const at = lastRun?.state === 'partial' ? lastRun.at : condition.newest?.at
    const reason = lastRun?.state === 'partial' ? describeReason(lastRun) : ''
    return `The newest ${nameJob(it)}, of ${printTime(at)}, is partial${reason}. ${describeLastGood(it)}`
  },
  UNUSUAL: (it) => {
    const { unusual } = it.facts.condition
    return `The ${nameJob(it)} of ${printTime(unusual?.at)} is unusual: ${unusual?.because}. The last good one before it is kept until somebody acknowledges that (acknowledgeUnusual). ${describeLastGood(it)}`
  },
  UNPROVEN: (it) => {
    const { provenAt } = it.facts.condition
    const proof = provenAt === null ? 'none was ever proven' : `the last proof is of ${printTime(provenAt)}`
    return `No good ${nameJob(it)} was proven restorable since ${printTime(it.facts.provenUntil)}, when a proof was due: ${proof}. ${describeLastGood(it)}`
  },
  PAUSED: (it) =>
    `The ${nameJob(it)} is paused since ${printTime(it.facts.pausedSince)}: its job sleeps, or the scheduler of ${it.entry.planned.server} is stopped. ${describeLastGood(it)}`,
  UNKNOWN: (it) => {
    if (!it.entry.isLoaded) return 'The controller has not yet read what it knows of this volume'
    if (it.facts.due === null)
      return `No run of the ${nameJob(it)} is planned, expected a schedule with a next time`
    return `The first ${nameJob(it)} is planned for ${printTime(it.facts.due)}`
  },
  OK: (it) =>
    `The last good ${nameJob(it)} is of ${printTime(it.facts.condition.lastGoodAt)}, the next is planned for ${printTime(it.facts.due)}`,
}

const ENDS: Record<EndedRun['state'], string> = {
  success: 'succeeded',
  partial: 'was partial',
  failed: 'failed',
  cancelled: 'was cancelled',
  lost: 'was lost',
}

/** `full backup ("0 5 * * *")` */
function nameJob({ entry }: Explained): string {
  return `${nameMode(entry)} ("${entry.planned.spec}")`
}

function nameMode({ mode }: JobEntry): string {
  return mode === 'full' ? 'full backup' : 'increment'
}

function describeReason(run: EndedRun | null): string {
  if (!run) return ''
  const reason = run.reason.trim().replace(/\.$/, '')
  const code = run.code === null ? '' : ` (${run.code})`
  return reason === '' && code === '' ? '' : `: ${reason || 'the reason is not known'}${code}`
}

function describeLastGood({ entry, facts, now }: Explained): string {
  const { lastGoodAt } = facts.condition
  if (lastGoodAt === null) return `No good ${nameMode(entry)} exists`
  return `The last good one is of ${printTime(lastGoodAt)}, ${printDuration(Math.max(now - lastGoodAt, 0))} old`
}

/** What became of the runs so far, if there is no good backup. */
function describeAttempt({ facts: { lastRun } }: Explained): string {
  if (!lastRun) return ', and no run of it has ended'
  return `: its last run ${ENDS[lastRun.state]} at ${printTime(lastRun.at)}${describeReason(lastRun)}`
}

/** Tells a run that hangs from one that did not come. */
function describeActive({ activeSince, now }: Explained): string {
  if (activeSince === null) return ''
  return `: a run is active for ${printDuration(Math.max(now - activeSince, 0))}`
}

/** The last run that ended, if there was one. */
function describeLastRun(it: Explained): string {
  const { lastRun } = it.facts
  const last = lastRun ? `; its last run ${ENDS[lastRun.state]} at ${printTime(lastRun.at)}` : ''
  return `${last}. ${describeLastGood(it)}`
}

function describeServer({ server }: Explained): string {
  return server === '' ? '' : `. ${server}`
}

/** Seconds are enough. */
export function printTime(ms: number | null | undefined): string {
  return ms == null ? 'an unknown time' : isoTime(ms).replace(/\.\d+Z$/, 'Z')
}
