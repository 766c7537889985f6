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
