import { corrupt } from './archive-fault.ts'

/** The bytes of a text field up to its NUL; all of it where there is none. */
export function fieldBytes(block: Buffer, offset: number, length: number): Buffer {
  const field = block.subarray(offset, offset + length)
  const end = field.indexOf(0)
  return end < 0 ? field : field.subarray(0, end)
}

/** A number field: octal text, or base 256 where the first bit is set; 0 where it is blank. Throws where it is neither. */
export function fieldNumber(block: Buffer, offset: number, length: number): number {
  const value = (block[offset] ?? 0) & 0x80 ? base256(block, offset, length) : octal(block, offset, length)
  if (!Number.isSafeInteger(value)) throw corrupt('a number in a tar header cannot be read')
  return value
}

function octal(block: Buffer, offset: number, length: number): number {
  const text = fieldBytes(block, offset, length).toString('latin1').trim()
  if (text === '') return 0
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN
}

/** Two's complement, big endian; the first bit only marks the base, the second is the sign. */
function base256(block: Buffer, offset: number, length: number): number {
  let value = BigInt((block[offset] ?? 0) & 0x7f)
  for (let at = offset + 1; at < offset + length; at++) value = (value << 8n) | BigInt(block[at] ?? 0)
  return Number(BigInt.asIntN(length * 8 - 1, value))
}

/** Digits of a pax record or of a sparse map. Throws where it is anything else. */
export function decimalNumber(text: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw corrupt(`"${text.slice(0, 40)}" is no number`)
  return value
}

/** Seconds with any number of decimals (`-1.25`) as nanoseconds; what is finer is cut off. */
export function decimalNanoseconds(text: string): bigint {
  const match = /^(-?)(\d{1,12})(?:\.(\d*))?$/.exec(text)
  if (!match) throw corrupt(`"${text.slice(0, 40)}" is no time`)
  const fraction = (match[3] ?? '').slice(0, 9).padEnd(9, '0')
  const magnitude = BigInt(match[2] ?? '0') * 1_000_000_000n + BigInt(fraction)
  return match[1] === '-' ? -magnitude : magnitude
}
