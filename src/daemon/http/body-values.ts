import { BackupdError } from '../../lib/errors.ts'
import { type FieldValues, readFieldValues } from '../../wire/request-fields.ts'

/** Parses an urlencoded body; a name may occur many times. */
export function parseForm(body: string): FieldValues {
  const values = new Map<string, string[]>()
  for (const [name, value] of new URLSearchParams(body)) {
    const known = values.get(name)
    if (known) known.push(value)
    else values.set(name, [value])
  }
  return values
}

/** Parses a JSON object; a list counts like a name that occurs many times. Throws BAD_INPUT. */
export function parseJsonBody(body: string): FieldValues {
  return body.trim() === '' ? new Map() : readFieldValues(parseJsonText(body))
}

function parseJsonText(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (cause) {
    throw new BackupdError(
      'BAD_INPUT',
      `The body is not JSON, although its content type says so: ${(cause as Error).message}`,
      { cause },
    )
  }
}
