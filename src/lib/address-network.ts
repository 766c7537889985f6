import { isIPv6 } from 'node:net'

/** Groups of four hex digits of an IPv6 address. */
const GROUPS = 8
const NETWORK_GROUPS = 4

/**
 * The part of an address that one caller can hardly change: of IPv6 the first 64 bits, as four groups, and of IPv4 all of
 * it.
 * @param address as socket addresses are written
 */
export function readNetwork(address: string): string {
  if (!isIPv6(address)) return address
  const [front = '', back = ''] = address.replace(/%.*/, '').split('::')
  const [first, last] = [splitGroups(front), splitGroups(back)]
  const zeros = address.includes('::') ? Array<string>(GROUPS - first.length - last.length).fill('0') : []
  return [...first, ...zeros, ...last].slice(0, NETWORK_GROUPS).join(':')
}

function splitGroups(text: string): string[] {
  return text === '' ? [] : text.split(':')
}
