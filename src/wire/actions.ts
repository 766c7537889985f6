import type { RecordState } from './record.ts'

/** What can be done with a run. */
export type RunAction = 'cancel'

/** The states in which each action is allowed: pages, resolvers and the engine ask this table. */
const ALLOWED: Readonly<Record<RunAction, readonly RecordState[]>> = {
  cancel: ['queued', 'running'],
}

export function can(action: RunAction, state: RecordState): boolean {
  return ALLOWED[action].includes(state)
}
