import { type RecordState, UNFINISHED_STATES } from './record.ts'

/** What can be done with a run. */
export type RunAction = 'cancel'

/** The states in which each action is allowed. The controller asks before it sends a cancel, the engine before it acts. */
const ALLOWED: Readonly<Record<RunAction, readonly RecordState[]>> = {
  cancel: UNFINISHED_STATES,
}

export function can(action: RunAction, state: RecordState): boolean {
  return ALLOWED[action].includes(state)
}
