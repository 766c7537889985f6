import { BackupdError } from '../lib/errors.ts'

export interface Address {
  host: string
  port: number
}

/** Parses `127.0.0.1:9002`, `[::1]:9002` or `:9002` (all addresses of the machine). Throws BAD_INPUT with the flag. */
export function parseAddress(flag: string, text: string): Address {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/i.exec(text)
  const port = Number(match?.[3])
  if (!match || port > 65_535) {
    throw new BackupdError(
      'BAD_INPUT',
      `${flag} is "${text}": write HOST:PORT or :PORT, such as 127.0.0.1:9002`,
    )
  }
  return { host: match[1] || match[2] || '0.0.0.0', port }
}
