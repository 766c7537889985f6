import type { RunRecord } from '../wire/record.ts'
import type { EngineMemory } from './ports.ts'

/**
 * Writes records to the memory in groups: all that come in one go, or while the last group is being written, are
 * one call. Resolves when the record is on disk; rejects with the whole group.
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
