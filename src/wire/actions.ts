import { isTerminal, type RecordState } from './record.ts'

/** Which action is allowed in which state: page, resolver and engine ask the same table. */
export function canCancel(state: RecordState): boolean {
  return !isTerminal(state)
}
