import { isUtf8 } from 'node:buffer'

export const SLASH = 0x2f
export const SLASH_BYTES = Buffer.from('/')

const CONTROLS = /\p{Cc}/gu

/**
 * Converts a file name, which is bytes, to text for JSON and GraphQL. A backslash becomes `\\`; a byte that is not
 * UTF-8 or belongs to a control character (C1 included) becomes `\xHH`. So every name has exactly one text.
 */
export function bytesToText(name: Buffer): string {
  if (isUtf8(name)) {
    const text = name.toString('utf8')
    return escapeControls(text.includes('\\') ? text.replaceAll('\\', '\\\\') : text)
  }
  let text = ''
  for (let at = 0; at < name.length; ) {
    const width = utf8WidthAt(name, at)
    const char = name.subarray(at, at + Math.max(width, 1))
    if (width === 0) text += `\\x${char.toString('hex')}`
    else text += char[0] === 0x5c ? '\\\\' : char.toString('utf8')
    at += char.length
  }
  return escapeControls(text)
}

/** Escapes raw control characters, which texts of older versions may contain, as `bytesToText` does now. */
export function escapeControls(text: string): string {
  return text.replace(CONTROLS, (control) => Buffer.from(control).toString('hex').replace(/../g, '\\x$&'))
}

/** Length in bytes of the UTF-8 character at `at`; 0 if there is no valid one. */
function utf8WidthAt(name: Buffer, at: number): number {
  for (let width = 1; width <= 4 && at + width <= name.length; width++) {
    if (isUtf8(name.subarray(at, at + width))) return width
  }
  return 0
}

/** The inverse of bytesToText. A backslash that does not start an escape stands for itself. */
export function textToBytes(text: string): Buffer {
  if (!text.includes('\\')) return Buffer.from(text, 'utf8')
  const parts: Buffer[] = []
  const piece = /\\\\|\\x([0-9a-f]{2})|[^\\]+|\\/g
  for (const match of text.matchAll(piece)) {
    if (match[1] !== undefined) parts.push(Buffer.from(match[1], 'hex'))
    else parts.push(Buffer.from(match[0] === '\\\\' ? '\\' : match[0], 'utf8'))
  }
  return Buffer.concat(parts)
}
