import { corrupt } from './archive-fault.ts'

/** One `length keyword=value` of a pax header. Keywords are bytes too, as latin1 text. */
export interface PaxRecord {
  key: string
  value: Buffer
}

/** Parses the body of a pax header (`x` or `g`). Throws a corrupt ArchiveFault. */
export function parsePaxRecords(body: Buffer): PaxRecord[] {
  const records: PaxRecord[] = []
  for (let at = 0; at < body.length && body[at] !== 0; ) {
    const space = body.indexOf(0x20, at)
    const digits = body.toString('latin1', at, Math.max(at, Math.min(space, at + 16)))
    const end = at + (/^\d+$/.test(digits) ? Number(digits) : 0)
    const equals = body.indexOf(0x3d, space)
    if (end <= space || end > body.length || equals < 0 || equals >= end || body[end - 1] !== 0x0a) {
      throw corrupt('a pax header is malformed')
    }
    records.push({
      key: body.toString('latin1', space + 1, equals),
      value: body.subarray(equals + 1, end - 1),
    })
    at = end
  }
  return records
}

/** If several records have the same keyword, the last one counts. */
export function lastValue(records: readonly PaxRecord[], key: string): Buffer | undefined {
  return records.findLast((record) => record.key === key)?.value
}
