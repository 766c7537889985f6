import type { RecordFilter } from '../wire/listing.ts'
import type { Prisma } from './generated/client.ts'
import { makeKeyBounds } from './keyset.ts'

/** Throws BAD_INPUT for an invalid time. */
export function whereRecords(filter: RecordFilter): Prisma.RecordWhereInput {
  const { app, instanceNo, mode, action, server, jobId } = filter
  return {
    app,
    mode,
    action,
    server,
    jobId,
    startKey: makeKeyBounds(filter),
    proc: filter.proc === undefined ? undefined : { in: namesOfProc(filter.proc) },
    volume: filter.volumes && { in: filter.volumes },
    state: filter.states && { in: filter.states },
    instanceNo,
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

/** Runs requested through the legacy API name their proc by its short name. */
function namesOfProc(fullName: string): string[] {
  return [fullName, fullName.slice(fullName.lastIndexOf('.') + 1)]
}
