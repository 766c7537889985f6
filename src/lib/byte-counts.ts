import { BackupdError } from './errors.ts'

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** 1610612736 → `1.5 GiB`. */
export function byteText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`
}

/** Parses `500GiB`, `1.5 TiB` or `1000` (bytes). Throws BAD_INPUT. */
export function parseByteCount(text: string): number {
  const [, number = '', prefix = ''] = /^(\d{1,15}(?:\.\d{1,3})?) ?(?:([KMGTP]?)iB|bytes)?$/.exec(text) ?? []
  const unit = UNITS.indexOf(prefix === '' ? 'bytes' : `${prefix}iB`)
  const bytes = Math.round(Number(number) * 1024 ** unit)
  if (number !== '' && bytes > 0 && Number.isSafeInteger(bytes)) return bytes
  const expected = 'expected a number above 0 and KiB, MiB, GiB, TiB or PiB, such as 500GiB'
  throw new BackupdError('BAD_INPUT', `"${text}" is not a size, ${expected}`)
}
