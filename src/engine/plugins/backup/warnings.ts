import { MAX_WARNINGS } from '../../../wire/record.ts'
import type { RunContext } from '../../plugin.ts'

/** The warnings of a run, for its manifest and its record: the first MAX_WARNINGS, and their total number. */
export interface Warnings {
  readonly kept: string[]
  readonly count: number
  add(message: string): void
}

export function collectWarnings(context: Pick<RunContext, 'warn'>): Warnings {
  const kept: string[] = []
  let count = 0
  return {
    kept,
    get count() {
      return count
    },
    add(message) {
      if (count++ < MAX_WARNINGS) kept.push(message)
      context.warn(message)
    },
  }
}
