import { isIP } from 'node:net'
import { BackupdError } from '../lib/errors.ts'

/** A namespace is the IP of a server. Throws BAD_INPUT. */
export function parseNamespace(text: string): string {
  if (isIP(text) !== 0) return text
  const message = `The namespace ${JSON.stringify(text)} is not an IP address, expected that of a server, such as 10.0.0.1`
  throw new BackupdError('BAD_INPUT', message)
}
