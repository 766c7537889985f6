import { Option } from 'commander'
import { AddressRanges, type Cidr, parseCidr } from '../lib/cidr.ts'
import { BackupdError } from '../lib/errors.ts'
import { collect } from './collect.ts'

export const LEGACY_PEER = new Option(
  '--legacy-peer <ip>',
  'a server, or a range such as 10.0.0.0/24, that is talked to over plain HTTP although others are enrolled (repeatable)',
)
  .argParser(collect)
  .default([])

export const DAEMON_TLS_ADDR = new Option(
  '--daemon-tls-addr <host:port>',
  'where enrolled daemons reach the controller, with certificates on both sides',
)

/** Whether a server is named. Throws BAD_INPUT. */
export function parseLegacyPeers(given: readonly string[]): (server: string) => boolean {
  const ranges = new AddressRanges(given.map(parseLegacyPeer))
  return (server) => ranges.has(server)
}

function parseLegacyPeer(text: string): Cidr {
  const range = parseCidr(text)
  if (range) return range
  const what = `--legacy-peer is ${JSON.stringify(text)}`
  throw new BackupdError('BAD_INPUT', `${what}, expected an address or a range: 10.0.0.5 or 10.0.0.0/24`)
}
