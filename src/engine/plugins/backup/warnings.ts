import type { BackupWarnings } from '../../../store/new-backup.ts'
import { MAX_WARNINGS } from '../../../wire/record.ts'
import type { RunContext } from '../../plugin.ts'
import { warningText } from '../warning-text.ts'

/** The warnings of a run, for its manifest and its record: the first MAX_WARNINGS, and their total number. */
export interface Warnings extends BackupWarnings {
  add(message: string): void
}

export function collectWarnings(context: Pick<RunContext, 'warn'>): Warnings {
  const kept: string[] = []
  let count = 0
  const add = (message: string) => {
    if (count++ < MAX_WARNINGS) kept.push(message)
    context.warn(message)
  }
  return {
    kept,
    get count() {
      return count
    },
    add,
    addVolumeWarning: (warning) => add(warningText(warning)),
  }
}
