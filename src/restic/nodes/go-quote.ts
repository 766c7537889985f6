import { isUtf8 } from 'node:buffer'

/** Printable for Go's strconv.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u
const SHORT_ESCAPES = new Map([
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
  ['"', '\\"'],
  ['\\', '\\\\'],
])
const FROM_SHORT_ESCAPES = new Map([...SHORT_ESCAPES].map(([char, escaped]) => [escaped, char]))
const PIECE =
  /\\x([\da-fA-F]{2})|\\u([\da-fA-F]{4})|\\U([\da-fA-F]{8})|\\([0-7]{3})|(\\[abfnrtv\\"])|[^\\]+|\\/g

/** Encodes bytes like Go's strconv.Quote, without the outer quotes: bytes that are not UTF-8 become `\xHH`. */
export function goQuote(bytes: Buffer): string {
  if (isPlain(bytes)) return bytes.toString('latin1')
  let quoted = ''
  if (isUtf8(bytes)) {
    for (const char of bytes.toString('utf8')) quoted += quoteChar(char)
    return quoted
  }
  for (let at = 0; at < bytes.length; ) {
    const width = utf8WidthAt(bytes, at)
    quoted += width === 0 ? `\\x${hex(bytes[at] ?? 0, 2)}` : quoteChar(bytes.toString('utf8', at, at + width))
    at += Math.max(width, 1)
  }
  return quoted
}

/** The inverse of goQuote(). Undefined if Go's strconv.Unquote rejects the text. */
export function goUnquote(text: string): Buffer | undefined {
  if (!text.includes('\\')) return Buffer.from(text, 'utf8')
  const parts: Buffer[] = []
  for (const match of text.matchAll(PIECE)) {
    const part = unquotePiece(match)
    if (!part) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts)
}

function unquotePiece([all, byte, short, long, octal, shortEscape]: RegExpExecArray): Buffer | undefined {
  if (byte !== undefined) return Buffer.from(byte, 'hex')
  if (octal !== undefined) return octal > '377' ? undefined : Buffer.of(Number.parseInt(octal, 8))
  if (shortEscape !== undefined) return Buffer.from(FROM_SHORT_ESCAPES.get(shortEscape) ?? '')
  if (all === '\\') return undefined
  const digits = short ?? long
  if (digits === undefined) return Buffer.from(all, 'utf8')
  const point = Number.parseInt(digits, 16)
  const isRune = point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff)
  return isRune ? Buffer.from(String.fromCodePoint(point)) : undefined
}

/** Whether neither quoting nor JSON changes it. Most names are like that. */
function isPlain(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c) return false
  }
  return true
}

function quoteChar(char: string): string {
  const shortEscape = SHORT_ESCAPES.get(char)
  if (shortEscape !== undefined) return shortEscape
  if (PRINTABLE.test(char)) return char
  const point = char.codePointAt(0) ?? 0
  if (point < 0x20 || point === 0x7f) return `\\x${hex(point, 2)}`
  return point < 0x10000 ? `\\u${hex(point, 4)}` : `\\U${hex(point, 8)}`
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}

/** The size in bytes of the UTF-8 character at `at`; 0 if there is no complete one. */
function utf8WidthAt(bytes: Buffer, at: number): number {
  for (let width = 1; width <= 4 && at + width <= bytes.length; width++) {
    if (isUtf8(bytes.subarray(at, at + width))) return width
  }
  return 0
}
