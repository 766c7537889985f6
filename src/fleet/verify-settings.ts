import { parseByteCount } from '../lib/byte-counts.ts'
import { messageOf } from '../lib/errors.ts'
import { parseSpec } from '../lib/schedule/spec.ts'
import type { VerifySettings, VolumeVerify } from '../wire/verify-schedule.ts'
import type { Value, YamlReader } from './yaml-reader.ts'

export const VERIFY_FIELDS = ['schedule', 'within', 'budget'] as const
const VERIFY_RULES = {
  known: VERIFY_FIELDS,
  example: '{ schedule: "0 1 * * *", within: 30d, budget: 50GiB }, or off',
} as const

/** What each word means; a function throws BAD_INPUT for a text that it cannot read. */
const PARSERS: Record<(typeof VERIFY_FIELDS)[number], (text: string) => VerifySettings> = {
  schedule(text) {
    parseSpec(text)
    return { spec: text }
  },
  within: (text) => ({ withinDays: parseDays(text) }),
  budget: (text) => ({ budgetBytes: parseByteCount(text) }),
}

/** Reads the `verify` of a volume; undefined if nothing in it can be used. */
export function readVerify(reader: YamlReader, value: Value): VolumeVerify | undefined {
  if (reader.isText(value)) return readOff(reader, value)
  const fields = reader.fields<(typeof VERIFY_FIELDS)[number]>(value, VERIFY_RULES)
  const settings: VerifySettings = {}
  for (const name of VERIFY_FIELDS) {
    const field = fields[name]
    if (field) Object.assign(settings, readField(reader, name, field))
  }
  return Object.keys(settings).length > 0 ? settings : undefined
}

function readOff(reader: YamlReader, value: Value): 'off' | undefined {
  const word = reader.text(value, 'off')
  if (word === 'off') return word
  return reader.problem(value, `"${word}" is not a verification, expected ${VERIFY_RULES.example}`)
}

function readField(
  reader: YamlReader,
  name: (typeof VERIFY_FIELDS)[number],
  value: Value,
): VerifySettings | undefined {
  const text = reader.text(value, VERIFY_EXAMPLES[name]) ?? ''
  try {
    return PARSERS[name](text)
  } catch (error) {
    return reader.problem(value, messageOf(error))
  }
}

const VERIFY_EXAMPLES = { schedule: '"0 1 * * *"', within: '30d', budget: '50GiB' }

/** Parses the `verify` of a lainlet annotation. Throws an error that says what is wrong with it. */
export function parseVerify(value: unknown): VolumeVerify {
  if (value === 'off') return value
  if (typeof value !== 'object' || value === null) throw new Error(`expected ${VERIFY_RULES.example}`)
  const settings: VerifySettings = {}
  for (const [name, text] of Object.entries(value)) {
    const field = VERIFY_FIELDS.find((known) => known === name)
    if (!field || typeof text !== 'string') throw new Error(`expected ${VERIFY_RULES.example}`)
    Object.assign(settings, PARSERS[field](text))
  }
  return settings
}

function parseDays(text: string): number {
  const days = /^([1-9]\d{0,3})d$/.exec(text)?.[1]
  if (days !== undefined) return Number(days)
  throw new Error(`"${text}" is not a number of days, expected 1d to 9999d, such as 30d`)
}
