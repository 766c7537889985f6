import { isIPv4 } from 'node:net'
import { BackupdError } from '../lib/errors.ts'

/**
 * `SERVER=ADDRESS` of a command line, many: where news of a server comes from if something translates addresses
 * between it and the controller. Throws BAD_INPUT.
 */
export function parseNewsFrom(pairs: readonly string[]): (server: string) => readonly string[] {
  const addresses = new Map<string, string[]>()
  for (const pair of pairs) {
    const [server = '', address = '', ...more] = pair.split('=')
    if (!isIPv4(server) || !isIPv4(address) || more.length > 0) {
      const what = `--news-from is ${JSON.stringify(pair)}`
      throw new BackupdError('BAD_INPUT', `${what}, expected SERVER=ADDRESS, such as 10.0.0.5=192.168.1.1`)
    }
    addresses.set(server, [...(addresses.get(server) ?? []), address])
  }
  return (server) => addresses.get(server) ?? []
}
