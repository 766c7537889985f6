import { messageOf } from '../lib/errors.ts'
import { parseSpec } from '../lib/schedule/spec.ts'
import type { DrillSettings } from '../wire/drill-schedule.ts'
import type { Value, YamlReader } from './yaml-reader.ts'

const DRILL_FIELDS = ['schedule', 'mode'] as const
const DRILL_RULES = {
  known: DRILL_FIELDS,
  needed: ['schedule'],
  example: '{ schedule: "0 4 * * 0", mode: full }',
} as const

/** Reads the `drill` of a volume; undefined if it cannot be used. */
export function readDrill(reader: YamlReader, value: Value): DrillSettings | undefined {
  const fields = reader.fields<(typeof DRILL_FIELDS)[number]>(value, DRILL_RULES)
  const { schedule, mode } = fields
  const word = mode && reader.text(mode, 'full')
  if (mode && word !== undefined && word !== 'full')
    reader.problem(mode, `"${word}" is not a mode of drills, expected full`)
  const spec = schedule && reader.text(schedule, '"0 4 * * 0"')
  if (!schedule || spec === undefined) return undefined
  try {
    parseSpec(spec)
    return { spec }
  } catch (error) {
    return reader.problem(schedule, messageOf(error))
  }
}

/** Parses the `drill` of a lainlet annotation. Throws an error that says what is wrong with it. */
export function parseDrill(value: unknown): DrillSettings {
  const { schedule, mode = 'full', ...rest } = (value ?? {}) as Record<string, unknown>
  if (typeof schedule !== 'string' || mode !== 'full' || Object.keys(rest).length > 0)
    throw new Error(`expected ${DRILL_RULES.example}`)
  parseSpec(schedule)
  return { spec: schedule }
}
