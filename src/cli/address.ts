import { BackupdError } from '../lib/errors.ts'

export interface Address {
  host: string
  port: number
}

/** `127.0.0.1:9002`, `[::1]:9002`, `:9002` (every address of the machine). Throws BAD_INPUT naming the flag. */
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
