import { corrupt } from './archive-fault.ts'

/** The bytes of a text field up to its NUL; all of it where there is none. */
export function fieldBytes(block: Buffer, offset: number, length: number): Buffer {
  const field = block.subarray(offset, offset + length)
  const end = field.indexOf(0)
  return end < 0 ? field : field.subarray(0, end)
}

/** A number field: octal text, or base 256 where the first bit is set; 0 where it is blank. Throws where it is neither. */
export function fieldNumber(block: Buffer, offset: number, length: number): number {
  const isBinary = (block[offset] ?? 0) & 0x80
  const value = isBinary ? Number(base256(block, offset, length)) : octal(block, offset, length)
  if (!Number.isSafeInteger(value)) throw corrupt('a number in a tar header cannot be read')
  return value
}

function octal(block: Buffer, offset: number, length: number): number {
  const text = fieldBytes(block, offset, length).toString('latin1').trim()
  if (text === '') return 0
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN
}

/** Two's complement, big endian; the first bit only marks the base, the second is the sign. */
function base256(block: Buffer, offset: number, length: number): bigint {
  let value = BigInt((block[offset] ?? 0) & 0x7f)
  for (let at = offset + 1; at < offset + length; at++) value = (value << 8n) | BigInt(block[at] ?? 0)
  return BigInt.asIntN(length * 8 - 1, value)
}

/** Digits of a pax record or of a sparse map. Throws where it is anything else. */
export function decimalNumber(text: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw corrupt(`"${text.slice(0, 40)}" is no number`)
  return value
}

const NS_PER_SECOND = 1_000_000_000n
/** The kernel counts the seconds of a file's time in 64 bits (struct timespec64). */
const SECONDS_MAX = 2n ** 63n - 1n

/** Seconds with any number of decimals (`-1.25`) as nanoseconds; what is finer is cut off. */
export function decimalNanoseconds(text: string): bigint {
  const match = /^(-?)(\d{1,19})(?:\.(\d*))?$/.exec(text)
  if (!match) throw corrupt(`"${text.slice(0, 40)}" is no time`)
  const fraction = (match[3] ?? '').slice(0, 9).padEnd(9, '0')
  const magnitude = BigInt(match[2] ?? '0') * NS_PER_SECOND + BigInt(fraction)
  return withinKernelTime(match[1] === '-' ? -magnitude : magnitude)
}

/** A time field as nanoseconds; 0 where it is blank or cannot be read. */
export function fieldNanoseconds(block: Buffer, offset: number, length: number): bigint {
  if ((block[offset] ?? 0) & 0x80) return withinKernelTime(base256(block, offset, length) * NS_PER_SECOND)
  const seconds = octal(block, offset, length)
  return Number.isSafeInteger(seconds) ? BigInt(seconds) * NS_PER_SECOND : 0n
}

function withinKernelTime(ns: bigint): bigint {
  const latest = SECONDS_MAX * NS_PER_SECOND
  return ns > latest ? latest : ns < -latest ? -latest : ns
}
