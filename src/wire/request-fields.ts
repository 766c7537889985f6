import { BackupdError } from '../lib/errors.ts'

/**
 * The fields of a legacy request, to the daemon or to the controller: of the form or JSON body, and of the query for
 * names that the body lacks.
 */
export class RequestFields {
  readonly #values: ReadonlyMap<string, readonly unknown[]>

  constructor(query: FieldValues, body: FieldValues = new Map()) {
    this.#values = new Map([...query, ...body])
  }

  get names(): string[] {
    return [...this.#values.keys()]
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  /** All values, unconverted: strings from a form, anything from JSON. */
  rawList(name: string): readonly unknown[] {
    return this.#values.get(name) ?? []
  }

  /** Throws BAD_INPUT for a JSON object or a list in a list. */
  list(name: string): string[] {
    return this.rawList(name).map((value) => asText(name, value))
  }

  /** The first value as text; '' if it is missing. Throws like list(). */
  text(name: string): string {
    return this.list(name)[0] ?? ''
  }

  /** undefined if it is missing or null. Throws BAD_INPUT if it is empty, which is a mistake and not a default. */
  optional(name: string): string | undefined {
    const value = this.rawList(name)[0] ?? null
    if (value === null) return undefined
    const text = asText(name, value)
    if (text !== '') return text
    throw new BackupdError('BAD_INPUT', `"${name}" is empty, expected a value. Leave the field out`)
  }

  /** Throws BAD_INPUT if it is missing or empty. */
  needed(name: string, what: string): string {
    const text = this.text(name)
    if (text !== '') return text
    throw new BackupdError('BAD_INPUT', `"${name}" is missing: name ${what}`)
  }

  /** undefined if it is missing or empty. Throws BAD_INPUT for anything but a whole number. */
  whole(name: string): number | undefined {
    const text = this.text(name)
    if (text === '') return undefined
    if (/^\d{1,9}$/.test(text)) return Number(text)
    throw new BackupdError('BAD_INPUT', `"${name}" is "${truncate(text)}", expected a whole number`)
  }

  /** Throws BAD_INPUT for anything but a whole number from 1 to `max`. */
  count(name: string, fallback: number, max: number): number {
    const text = this.text(name)
    if (text === '') return fallback
    const count = /^\d{1,9}$/.test(text) ? Number(text) : 0
    if (count >= 1 && count <= max) return count
    throw new BackupdError(
      'BAD_INPUT',
      `"${name}" is "${truncate(text)}", expected a whole number from 1 to ${max}`,
    )
  }
}

/** All values of each name. */
export type FieldValues = ReadonlyMap<string, readonly unknown[]>

/** Reads a parsed query or JSON body; a list counts like a name that occurs many times. Throws BAD_INPUT. */
export function readFieldValues(value: unknown): FieldValues {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BackupdError('BAD_INPUT', 'The JSON body must be an object of named fields')
  return new Map(Object.entries(value).map(([name, each]) => [name, Array.isArray(each) ? each : [each]]))
}

function asText(name: string, value: unknown): string {
  if (value === null) return ''
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new BackupdError('BAD_INPUT', `"${truncate(name)}" must be a text or a list of texts`)
}

function truncate(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
