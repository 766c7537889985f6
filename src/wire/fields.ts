// The types of all fields in messages, limited to what GraphQL can show, the database can store, and a URL, a path or a
// terminal can hold. Every number, time and text in src/wire uses one of these. test/attacks/bad-values.test.ts feeds
// the parsers with values out of bounds.

import { isIPv4 } from 'node:net'
import { z } from 'zod'
import { escapeControls } from '../lib/byte-paths.ts'
import type { Json } from '../lib/errors.ts'
import { isPathComponent } from '../lib/path-component.ts'
import { hasControls, withoutControls } from '../lib/plain-text.ts'

const MAX_INT32 = 2 ** 31 - 1
const MAX_TEXT_LENGTH = 64 * 1024
/** Limit of nesting in free JSON, such as `args`. */
const MAX_LEVELS = 32

/** A count that GraphQL shows as Int. */
export const count = z.number().int().min(0).max(MAX_INT32)
/** Bytes, and other counts that GraphQL shows as BigInt. */
export const bigCount = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
/** A rate or a duration. */
export const measure = z.number().min(-Number.MAX_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER)

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/
const FIRST_MS = Date.parse('0000-01-01T00:00:00Z')
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z')

/** RFC 3339 in the years 0 to 9999, as lib/clock.ts writes it. `0001-01-01T00:00:00Z` means never. */
export const moment = z.string().refine(isMoment, 'expected a time such as 2026-01-31T05:00:00Z')

export function isMoment(text: string): boolean {
  const ms = RFC_3339.test(text) ? Date.parse(text) : Number.NaN
  return ms >= FIRST_MS && ms <= LAST_MS
}

const OTHER_YEAR = /^[+-]\d{6}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/

/** The time of a file: a moment, or a later year that daemons of older versions wrote as `+275760-09-13…`. */
export const fileMoment = z
  .string()
  .refine(
    (text) => isMoment(text) || (OTHER_YEAR.test(text) && !Number.isNaN(Date.parse(text))),
    'expected a time such as 2026-01-31T05:00:00Z',
  )

/** Text for people: control characters are escaped, and a too long text is cut. */
export const words = z.string().transform(toWords)
export const wordList = z.array(z.string()).transform((list) => list.map(toWords))

export function toWords(text: string): string {
  return withoutControls(text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}…` : text)
}
/** What a program wrote: as words, but line breaks and tabs are kept. */
export const lines = z.string().transform((text) =>
  text
    .slice(0, MAX_TEXT_LENGTH)
    .split(/(\r?\n|\t)/)
    .map((part, n) => (n % 2 === 1 ? part.replace('\r', '') : withoutControls(part)))
    .join(''),
)

/** The name of an app, proc, volume, job or container. */
export const name = z
  .string()
  .max(4096)
  .refine((text) => !hasControls(text), 'expected a name without control characters')
/** A path of any length, or the target of a link, in the text form of lib/byte-paths.ts. */
export const pathText = z.string().transform(escapeControls)
/** The name of an object in the store: a single path component. */
export const objectName = name.refine(isPathComponent, 'expected one part of a path')

/** The id of a run, ours or legacy. */
export const rid = z.string().regex(/^[\w-]{1,64}$/, 'expected the id of a run')
export const ipv4 = z.string().refine(isIPv4, 'expected an IPv4 address')

/** Free JSON, with limited nesting so that it can be written and read again. */
export const json = z.custom<Json>(isShallow, `expected at most ${MAX_LEVELS} levels`)
export const jsonObject = z
  .custom<Record<string, Json>>(isObject, 'expected an object')
  .refine(isShallow, `expected at most ${MAX_LEVELS} levels`)
/** The arguments of a job or a run. */
export const runArgs = jsonObject.transform((args): Record<string, unknown> => args)

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Not recursive, because a value can be nested more deeply than the stack allows. */
function isShallow(value: unknown): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; depth <= MAX_LEVELS; depth++) {
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []))
    if (level.length === 0) return true
  }
  return false
}
