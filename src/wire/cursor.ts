import { BackupdError } from '../lib/errors.ts'
import type { Page } from './listing.ts'

/** The opaque text that names a position in a list. `kind` distinguishes the cursors of different lists. */
export function encodeCursor(kind: string, key: string): string {
  return Buffer.from(`${kind}:${key}`).toString('base64url')
}

/** The key after which a page begins; undefined for the first page. Throws BAD_INPUT for a cursor of another list. */
export function parseCursor(kind: string, { after }: Page): string | undefined {
  if (after === undefined) return undefined
  const text = Buffer.from(after, 'base64url').toString()
  if (text.startsWith(`${kind}:`)) return text.slice(kind.length + 1)
  throw badCursor(after)
}

/** The largest number of a row. */
const MAX_ROW = 2 ** 31 - 1

/** The same for a list whose keys are numbers of rows. */
export function parseRowCursor(kind: string, page: Page): number | undefined {
  const key = parseCursor(kind, page)
  if (key === undefined) return undefined
  if (/^\d{1,15}$/.test(key)) return Math.min(Number(key), MAX_ROW)
  throw badCursor(page.after ?? '')
}

/** The parts of a key that is a list in JSON; empty if it is none. */
export function parseKeyList(key: string): unknown[] {
  try {
    const parsed: unknown = JSON.parse(key)
    return Array.isArray(parsed) ? parsed : []
  } catch {
    return []
  }
}

export function badCursor(after: string): BackupdError {
  return new BackupdError(
    'BAD_INPUT',
    `"${after}" is not a cursor of this list: use one from its edges or its pageInfo`,
  )
}
