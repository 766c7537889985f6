import { BackupdError } from '../lib/errors.ts'

/** The fields of a request: of the urlencoded or JSON body, and of the query for names that the body lacks. */
export class Fields {
  readonly #values: Map<string, unknown[]>

  /** Throws BAD_INPUT for a JSON body that is not an object. */
  constructor(query: unknown, body: unknown) {
    this.#values = new Map([...listEntries(query), ...listEntries(body)])
  }

  get names(): string[] {
    return [...this.#values.keys()]
  }

  /** The value as text; '' if it is missing. */
  text(name: string): string {
    return this.list(name)[0] ?? ''
  }

  /** null if it is missing or null. Throws BAD_INPUT if it is empty, which is a mistake and not a default. */
  optional(name: string): string | null {
    const value = this.#values.get(name)?.[0] ?? null
    if (value === null) return null
    const text = asText(name, value)
    if (text !== '') return text
    throw new BackupdError('BAD_INPUT', `"${name}" is empty, expected a value. Leave the field out`)
  }

  /** Throws BAD_INPUT for a JSON object or a list in a list. */
  list(name: string): string[] {
    return (this.#values.get(name) ?? []).map((value) => asText(name, value))
  }

  /** undefined if it is missing or empty. Throws BAD_INPUT for anything but a whole number. */
  whole(name: string): number | undefined {
    const text = this.text(name)
    if (text === '') return undefined
    if (/^\d{1,9}$/.test(text)) return Number(text)
    throw new BackupdError('BAD_INPUT', `"${name}" is "${shortened(text)}": write a whole number`)
  }

  /** Throws BAD_INPUT if it is missing or empty. */
  needed(name: string, what: string): string {
    const text = this.text(name)
    if (text !== '') return text
    throw new BackupdError('BAD_INPUT', `"${name}" is missing: name ${what}`)
  }
}

function listEntries(value: unknown): [string, unknown[]][] {
  if (value === undefined || value === null) return []
  if (typeof value !== 'object' || Array.isArray(value))
    throw new BackupdError('BAD_INPUT', 'The JSON body must be an object of named fields')
  return Object.entries(value).map(([name, each]) => [name, Array.isArray(each) ? each : [each]])
}

function asText(name: string, value: unknown): string {
  if (value === null) return ''
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new BackupdError('BAD_INPUT', `"${shortened(name)}" must be a text or a list of texts`)
}

function shortened(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
