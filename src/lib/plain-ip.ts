import { isIP, SocketAddress } from 'node:net'

/** `::ffff:10.0.0.1` → `10.0.0.1` */
export function plainIp(ip: string): string {
  return ip.replace(/^::ffff:(?=[\d.]+$)/, '')
}

/** Normalizes an IP address to the form of socket addresses, so that two can be compared; undefined if it is invalid. */
export function parseIp(text: string): string | undefined {
  const version = isIP(text)
  if (version === 0) return undefined
  const [address = '', zone] = text.split('%')
  const family = version === 6 ? 'ipv6' : 'ipv4'
  const ip = plainIp(new SocketAddress({ address, family }).address)
  return zone === undefined ? ip : `${ip}%${zone}`
}
