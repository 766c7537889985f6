import { NS_PER_SECOND } from '../lib/time-units.ts'
import { corrupt } from './archive-fault.ts'

/** The bytes of a text field up to its NUL, or all of them if there is none. */
export function fieldBytes(block: Buffer, offset: number, length: number): Buffer {
  const field = block.subarray(offset, offset + length)
  const end = field.indexOf(0)
  return end < 0 ? field : field.subarray(0, end)
}

/**
 * Parses a number field: octal text, or base 256 if the first bit is set; 0 if it is blank. Throws if it is neither.
 */
export function fieldNumber(block: Buffer, offset: number, length: number): number {
  const isBinary = (block[offset] ?? 0) & 0x80
  const value = isBinary ? Number(base256(block, offset, length)) : octal(block, offset, length)
  if (!Number.isSafeInteger(value)) throw corrupt('a number in a tar header is malformed')
  return value
}

function octal(block: Buffer, offset: number, length: number): number {
  const text = fieldBytes(block, offset, length).toString('latin1').trim()
  if (text === '') return 0
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN
}

/** Two's complement, big endian. The first bit only marks the base; the second one is the sign. */
function base256(block: Buffer, offset: number, length: number): bigint {
  let value = BigInt((block[offset] ?? 0) & 0x7f)
  for (let at = offset + 1; at < offset + length; at++) value = (value << 8n) | BigInt(block[at] ?? 0)
  return BigInt.asIntN(length * 8 - 1, value)
}

/** Parses the digits of a pax record or of a sparse map. Throws if it is anything else. */
export function parseDecimal(text: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw corrupt(`"${text.slice(0, 40)}" is not a number`)
  return value
}

/** The kernel stores the seconds of a file's time in 64 bits (struct timespec64). */
const MAX_SECONDS = 2n ** 63n - 1n

/** Parses seconds with any number of decimals (`-1.25`), and returns nanoseconds, rounded towards zero. */
export function parseDecimalSeconds(text: string): bigint {
  const match = /^(-?)(\d{1,19})(?:\.(\d*))?$/.exec(text)
  if (!match) throw corrupt(`"${text.slice(0, 40)}" is not a time`)
  const fraction = (match[3] ?? '').slice(0, 9).padEnd(9, '0')
  const magnitude = BigInt(match[2] ?? '0') * NS_PER_SECOND + BigInt(fraction)
  return clampToKernelTime(match[1] === '-' ? -magnitude : magnitude)
}

/** Parses a time field, and returns nanoseconds; 0 if it is blank or malformed. */
export function fieldNanoseconds(block: Buffer, offset: number, length: number): bigint {
  if ((block[offset] ?? 0) & 0x80) return clampToKernelTime(base256(block, offset, length) * NS_PER_SECOND)
  const seconds = octal(block, offset, length)
  return Number.isSafeInteger(seconds) ? BigInt(seconds) * NS_PER_SECOND : 0n
}

function clampToKernelTime(ns: bigint): bigint {
  const latest = MAX_SECONDS * NS_PER_SECOND
  return ns > latest ? latest : ns < -latest ? -latest : ns
}
