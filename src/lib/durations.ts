import { BackupdError } from './errors.ts'

const EXPIRE_UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Parses `30d`, `12h` or `90m` to milliseconds. Throws BAD_INPUT. */
export function parseExpire(text: string): number {
  const match = /^(\d{1,9})([mhd])$/.exec(text)
  const unit = EXPIRE_UNITS[match?.[2] ?? '']
  if (!match || unit === undefined || Number(match[1]) === 0) {
    throw new BackupdError(
      'BAD_INPUT',
      `"${text}" is not a retention time, expected a number and m, h or d, such as 30d`,
    )
  }
  return Number(match[1]) * unit
}

const GO_UNITS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** Parses a Go duration (`1h30m`, `90s`, `1.5h`) to milliseconds. Throws BAD_INPUT. */
export function parseGoDuration(text: string): number {
  const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/y
  let total = 0
  while (part.lastIndex < text.length) {
    const at = part.lastIndex
    const match = part.exec(text)
    if (!match) throw badDuration(text, at)
    total += Number(match[1]) * (GO_UNITS[match[2] ?? ''] ?? Number.NaN)
  }
  if (text === '' || !Number.isFinite(total)) throw badDuration(text, 0)
  return total
}

function badDuration(text: string, at: number): BackupdError {
  return new BackupdError(
    'BAD_INPUT',
    `"${text}" is not a duration (at "${text.slice(at)}"), expected one such as 90s, 15m or 1h30m`,
  )
}

const PRINTED_UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const

/** Prints milliseconds in the largest unit that fits, rounded: `60 days`, `1 hour`, `12 minutes`, `45 seconds`. */
export function printDuration(ms: number): string {
  const [unit, unitMs] = PRINTED_UNITS.find(([, size]) => ms >= size) ?? ['second', 1000]
  const count = Math.round(ms / unitMs)
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
