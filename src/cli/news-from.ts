import { isIPv4 } from 'node:net'
import { Option } from 'commander'
import { BackupdError } from '../lib/errors.ts'
import { parseIp } from '../lib/plain-ip.ts'
import { collect } from './collect.ts'

export const NEWS_FROM = new Option(
  '--news-from <server=address>',
  "another address from which a server's news may come (repeatable)",
)
  .argParser(collect)
  .default([])

/**
 * Parses all `SERVER=ADDRESS` of the command line: the addresses from which news of a server may come behind an address
 * translation. The address can be IPv4 or IPv6. Throws BAD_INPUT.
 */
export function parseNewsFrom(pairs: readonly string[]): (server: string) => readonly string[] {
  const addresses = new Map<string, string[]>()
  for (const pair of pairs) {
    const [server, address, ...more] = pair.split('=').map(parseIp)
    if (server === undefined || !isIPv4(server) || address === undefined || more.length > 0) {
      const what = `--news-from is ${JSON.stringify(pair)}`
      const examples = '10.0.0.5=192.168.1.1 or 10.0.0.5=2001:db8::1'
      throw new BackupdError('BAD_INPUT', `${what}, expected SERVER=ADDRESS, such as ${examples}`)
    }
    addresses.set(server, [...(addresses.get(server) ?? []), address])
  }
  return (server) => addresses.get(server) ?? []
}
