import type { z } from 'zod'
import { BackupdError } from '../lib/errors.ts'

/** Parses and validates JSON text. Throws BAD_INPUT that names what was parsed and the first problem. */
export function parseJson<T>(what: string, text: string, schema: z.ZodType<T>): T {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new BackupdError('BAD_INPUT', `${what} is not JSON: ${(cause as Error).message}`, { cause })
  }
  return parseShape(what, value, schema)
}

/** Validates an unknown value. Throws BAD_INPUT. */
export function parseShape<T>(what: string, value: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const where = issue?.path.length ? ` at ${issue.path.join('.')}` : ''
  throw new BackupdError('BAD_INPUT', `${what} is not valid${where}: ${issue?.message ?? 'unknown shape'}`)
}

/** For a text with half of a surrogate pair, which JSON can carry and UTF-8 cannot. */
export function notUnicode(text: string): BackupdError {
  const shown = JSON.stringify(text.slice(0, 100))
  return new BackupdError('BAD_INPUT', `${shown} is not Unicode text: it has half of a surrogate pair`)
}
