import type { RunRecord } from '../wire/record.ts'
import type { EngineMemory } from './ports.ts'

/**
 * Writes records to the memory in groups: one call for all records that arrive together or while the last group is
 * being written. Resolves when the record is on disk; if the write fails, all promises of the group reject.
 */
export function createKeeper(memory: Pick<EngineMemory, 'keep'>): (record: RunRecord) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve()
  let group: { records: RunRecord[]; written: Promise<void> } | undefined

  return (record) => {
    if (!group) {
      const records: RunRecord[] = []
      const written = last.then(() => {
        group = undefined
        return memory.keep(records)
      })
      last = written.catch(() => {})
      group = { records, written }
    }
    group.records.push(record)
    return group.written
  }
}
