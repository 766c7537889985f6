import { BackupdError } from '../../lib/errors.ts'

/** The fields of a request: of the form or JSON body, and of the query for names that the body lacks. */
export class Fields {
  readonly #values: Map<string, unknown[]>

  constructor(values: Map<string, unknown[]>) {
    this.#values = values
  }

  get names(): string[] {
    return [...this.#values.keys()]
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  /** The first value unconverted: a string from a form, anything from JSON. */
  raw(name: string): unknown {
    return this.#values.get(name)?.[0]
  }

  /** All values, unconverted. */
  rawList(name: string): unknown[] {
    return this.#values.get(name) ?? []
  }

  /** The value as text; '' if it is missing. Throws BAD_INPUT for a JSON object or list. */
  text(name: string): string {
    return this.list(name)[0] ?? ''
  }

  /** undefined if it is missing or null. Throws BAD_INPUT if it is empty, which is a mistake and not a default. */
  optional(name: string): string | undefined {
    const value = this.raw(name) ?? null
    if (value === null) return undefined
    const text = asText(name, value)
    if (text !== '') return text
    throw new BackupdError('BAD_INPUT', `"${name}" is empty, expected a value. Leave the field out`)
  }

  list(name: string): string[] {
    return this.rawList(name).map((value) => asText(name, value))
  }

  /** Throws BAD_INPUT for anything but a whole number from 1 to `max`. */
  count(name: string, fallback: number, max: number): number {
    const text = this.text(name)
    if (text === '') return fallback
    const count = /^\d{1,9}$/.test(text) ? Number(text) : 0
    if (count >= 1 && count <= max) return count
    throw new BackupdError('BAD_INPUT', `"${name}" is "${text}": write a whole number from 1 to ${max}`)
  }
}

function asText(name: string, value: unknown): string {
  if (value === null) return ''
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new BackupdError(
    'BAD_INPUT',
    `"${name}" must be a text, not a JSON ${Array.isArray(value) ? 'list' : 'object'}`,
  )
}

/** Parses an urlencoded body; a name may occur many times. */
export function formValues(body: string): Map<string, unknown[]> {
  const values = new Map<string, unknown[]>()
  for (const [name, value] of new URLSearchParams(body)) addValue(values, name, value)
  return values
}

function addValue(values: Map<string, unknown[]>, name: string, value: unknown): void {
  const known = values.get(name)
  if (known) known.push(value)
  else values.set(name, [value])
}

/** Parses a JSON object; a list counts like a name that occurs many times. Throws BAD_INPUT. */
export function jsonValues(body: string): Map<string, unknown[]> {
  if (body.trim() === '') return new Map()
  const parsed = parseObject(body)
  return new Map(
    Object.entries(parsed).map(([name, value]) => [name, Array.isArray(value) ? value : [value]]),
  )
}

function parseObject(body: string): object {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch (cause) {
    throw new BackupdError(
      'BAD_INPUT',
      `The body is not the JSON that its content type says: ${(cause as Error).message}`,
      { cause },
    )
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed
  throw new BackupdError('BAD_INPUT', 'The JSON body must be an object of named fields')
}
