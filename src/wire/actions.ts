// Which actions the state of a run, or the kind of a job, allows. The controller asks before it sends a request, and the
// engine before it acts, so that both refuse the same.

import type { Job } from './job.ts'
import { type RecordState, UNFINISHED_STATES } from './record.ts'

const RUN_RULES = {
  cancel: UNFINISHED_STATES,
  /** Has no process yet: an abort, or a record that cannot be written, ends it directly. */
  endAtOnce: ['queued'],
  /** News of its daemon may change it. `lost` is only the controller's guess. */
  replace: [...UNFINISHED_STATES, 'lost'],
  /** Goes on if its daemon reports it as running. */
  revive: ['lost'],
  /** Refuses another request for the same job. */
  refuseSameJob: ['queued'],
  /** Refuses another one-off of the same action and volume. */
  refuseSameVolume: UNFINISHED_STATES,
} as const satisfies Record<string, readonly RecordState[]>

export type RunAction = keyof typeof RUN_RULES

export function canRun(action: RunAction, state: RecordState): boolean {
  const allowed: readonly RecordState[] = RUN_RULES[action]
  return allowed.includes(state)
}

/** An expire job has no id on the wire, so that no request can name it: it runs every minute on its own. */
const hasId = ({ id }: Pick<Job, 'id'>): boolean => id !== ''

const JOB_RULES = { run: hasId, sleep: hasId, wake: hasId }

export type JobAction = keyof typeof JOB_RULES

export function canJob(action: JobAction, job: Pick<Job, 'id'>): boolean {
  return JOB_RULES[action](job)
}
