import { isoTime } from '../lib/clock.ts'
import { BackupdError } from '../lib/errors.ts'
import { encodeCursor } from '../wire/cursor.ts'
import type { Page, Slice } from '../wire/listing.ts'

/** Limit of items in a page, whatever was requested. */
const MAX_PAGE_SIZE = 1000

/** Rows to fetch for a page: one more than its size, to see whether more follow. */
export function rowsFor(page: Page): number {
  return readPageSize(page) + 1
}

function readPageSize({ first }: Page): number {
  return Math.min(Math.max(Math.trunc(first), 0), MAX_PAGE_SIZE)
}

/** Cuts rows, sorted by key, newest first, to a page. `kind`: that of its cursors. */
export function toSlice<T>(rows: { key: string; node: T }[], page: Page, kind: string): Slice<T> {
  const size = readPageSize(page)
  const items = rows.slice(0, size).map(({ key, node }) => ({ cursor: encodeCursor(kind, key), node }))
  return { items, hasNextPage: rows.length > size }
}

/** The bounds of a key that begins with a time: at or after `from`, before `to`. Throws BAD_INPUT for an invalid time. */
export function makeKeyBounds({ from, to }: { from?: string; to?: string }) {
  return {
    ...(from === undefined ? {} : { gte: parseBound('from', from) }),
    ...(to === undefined ? {} : { lt: parseBound('to', to) }),
  }
}

function parseBound(name: string, text: string): string {
  const key = timeKey(text)
  if (key !== undefined) return key
  throw new BackupdError(
    'BAD_INPUT',
    `${name}: "${text}" is not a time, expected one such as 2026-01-31T05:00:00Z`,
  )
}

/** Converts a time with any fraction or zone to ISO 8601 in UTC with milliseconds, which sorts as text. */
export function timeKey(time: string): string | undefined {
  const ms = Date.parse(time)
  return Number.isNaN(ms) ? undefined : isoTime(ms)
}
