import { isTerminal, type RecordState } from './record.ts'

/** Whether a run in this state can be cancelled; pages, resolvers and the engine use the same rule. */
export function canCancel(state: RecordState): boolean {
  return !isTerminal(state)
}
