import { encodeCursor, parseRowCursor } from '../wire/cursor.ts'
import type { Page, Slice } from '../wire/listing.ts'
import type { RunRecord } from '../wire/record.ts'
import type { LogLine } from '../wire/run-log.ts'
import type { World } from './world.ts'

const CURSOR = 'log'

/** A page of the log of a run, which its daemon has. Throws DAEMON_UNREACHABLE, DAEMON_REFUSED, BAD_INPUT. */
export async function readRecordLog(
  { ports }: World,
  { rid, server }: Pick<RunRecord, 'rid' | 'server'>,
  page: Page,
): Promise<Slice<LogLine>> {
  const after = parseRowCursor(CURSOR, page) ?? 0
  const { lines, next } = await ports.daemon.log(server, rid, { after, limit: page.first })
  const items = lines.map((line) => ({ cursor: encodeCursor(CURSOR, `${line.number}`), node: line }))
  return { items, hasNextPage: next !== null }
}
