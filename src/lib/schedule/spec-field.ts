/** A field of a schedule: its name in error messages, and its allowed values. */
export interface FieldShape {
  name: string
  min: number
  max: number
  /** The end of `*` and `N/step`, if it is not `max` (7 is Sunday too, but not an eighth day). */
  last?: number
  /** Names of the values, the first for `min`. */
  names?: readonly string[]
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

export const FIELDS = {
  second: { name: 'second', min: 0, max: 59 },
  minute: { name: 'minute', min: 0, max: 59 },
  hour: { name: 'hour', min: 0, max: 23 },
  day: { name: 'day of month', min: 1, max: 31 },
  month: { name: 'month', min: 1, max: 12, names: MONTHS },
  weekday: { name: 'day of week', min: 0, max: 7, last: 6, names: DAYS },
} as const satisfies Record<string, FieldShape>

/**
 * Parses `*`, `?`, `N`, `A-B`, each with `/step`, joined by commas, to the numbers, ascending.
 * Throws an Error whose message says what is wrong.
 */
export function parseField(text: string, shape: FieldShape): number[] {
  const values = new Set<number>()
  for (const element of text.split(',')) {
    for (const value of elementValues(element, shape)) values.add(value)
  }
  return [...values].sort((a, b) => a - b)
}

function elementValues(element: string, shape: FieldShape): number[] {
  const [range = '', stepText, ...rest] = element.split('/')
  if (rest.length > 0) throw new Error(`"${element}" has more than one step`)
  const [start, end] = parseRange(range, stepText !== undefined, shape)
  const step = stepText === undefined ? 1 : parseStep(stepText)
  const values: number[] = []
  for (let value = start; value <= end; value += step) values.push(value)
  return values
}

function parseRange(range: string, stepped: boolean, shape: FieldShape): [number, number] {
  const last = shape.last ?? shape.max
  if (range === '*' || range === '?') return [shape.min, last]
  const [from = '', to, ...rest] = range.split('-')
  if (rest.length > 0) throw new Error(`"${range}" is not a range`)
  const start = parseValue(from, shape)
  const end = to === undefined ? (stepped ? Math.max(start, last) : start) : parseValue(to, shape)
  if (end < start) throw new Error(`range ${range} ends before it starts`)
  return [start, end]
}

function parseValue(text: string, shape: FieldShape): number {
  const named = shape.names?.indexOf(text.toLowerCase()) ?? -1
  if (named >= 0) return shape.min + named
  if (!/^\d+$/.test(text)) throw new Error(text === '' ? 'a value is missing' : `"${text}" is not a value`)
  const value = Number(text)
  if (value < shape.min || value > shape.max) {
    throw new Error(`${text} is out of range ${shape.min}-${shape.max}`)
  }
  return value
}

function parseStep(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`step "${text}" is not a number`)
  if (Number(text) === 0) throw new Error('the step is 0, expected at least 1')
  return Number(text)
}
