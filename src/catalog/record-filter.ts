import type { RecordFilter } from '../wire/listing.ts'
import { findAppOfProc, shortenProcName } from '../wire/proc-names.ts'
import { makeKeyBounds } from './keyset.ts'
import { type ListConditions, makeColumns, narrowValues } from './list-table.ts'
import { toBigInt } from './numbers.ts'

/** Throws BAD_INPUT for an invalid time. */
export function filterRecords(filter: RecordFilter): ListConditions {
  const { app, apps, proc, volumes, instanceNo, mode, action, server, jobId, states } = filter
  return {
    columns: makeColumns({
      app: narrowValues(app ?? (proc && findAppOfProc(proc)), apps),
      // Runs requested through the legacy API name their proc by its short name.
      proc: proc === undefined ? undefined : [proc, shortenProcName(proc)],
      volume: volumes,
      instanceNo: instanceNo === undefined ? undefined : toBigInt(instanceNo),
      mode,
      action,
      server,
      jobId,
      state: states,
    }),
    bounds: [{ column: 'startKey', ...makeKeyBounds(filter) }],
  }
}

/** `<startKey> <rid>`: a record's position in lists. */
export function printRecordKey({ startKey, rid }: { startKey: string; rid: string }): string {
  return `${startKey} ${rid}`
}

export function parseRecordKey(key: string): { startKey: string; rid: string } {
  const end = key.lastIndexOf(' ')
  return { startKey: key.slice(0, Math.max(end, 0)), rid: key.slice(end + 1) }
}
