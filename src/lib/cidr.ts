import { BlockList, isIP, isIPv4 } from 'node:net'
import { parseIp } from './plain-ip.ts'

/** A range of IP addresses, IPv4 or IPv6: `10.0.0.0/8`. */
export interface Cidr {
  readonly family: 'ipv4' | 'ipv6'
  readonly address: string
  /** Bits that all addresses of the range have in common. */
  readonly prefix: number
}

const BITS = { ipv4: 32, ipv6: 128 } as const
/** Bits in front of the IPv4 address in `::ffff:10.0.0.1`. */
const MAPPED_BITS = BITS.ipv6 - BITS.ipv4

/**
 * Parses `10.0.0.0/8`, `2001:db8::/32`, or one address. A range of IPv4-mapped addresses (`::ffff:10.0.0.0/104`) is the
 * one of IPv4. Returns undefined if the text is none of these.
 */
export function parseCidr(text: string): Cidr | undefined {
  const [written = '', bits, ...more] = text.split('/')
  const address = written.includes('%') ? undefined : parseIp(written)
  if (address === undefined || more.length > 0) return undefined
  const family = isIPv4(address) ? 'ipv4' : 'ipv6'
  const skipped = family === 'ipv4' && isIP(written) === 6 ? MAPPED_BITS : 0
  if (bits === undefined) return { family, address, prefix: BITS[family] }
  const prefix = /^\d{1,3}$/.test(bits) ? Number(bits) - skipped : -1
  return prefix >= 0 && prefix <= BITS[family] ? { family, address, prefix } : undefined
}

/** `10.0.0.0/8`; of one address, the address alone. */
export function printCidr({ family, address, prefix }: Cidr): string {
  return prefix === BITS[family] ? address : `${address}/${prefix}`
}

/** Whether two ranges have an address in common: then one contains the other. */
export function overlaps(one: Cidr, other: Cidr): boolean {
  return new AddressRanges([one]).has(other.address) || new AddressRanges([other]).has(one.address)
}

/** Some ranges. `::/0` has no IPv4 address. */
export class AddressRanges {
  // A single list would find IPv4 addresses in ranges of IPv6, as mapped ones.
  readonly #lists = { ipv4: new BlockList(), ipv6: new BlockList() }

  constructor(ranges: readonly Cidr[]) {
    for (const { family, address, prefix } of ranges) this.#lists[family].addSubnet(address, prefix, family)
  }

  /** @param address in any spelling, perhaps IPv4-mapped or with a zone; false if it is not one */
  has(address: string): boolean {
    const ip = parseIp(address)?.replace(/%.*/, '')
    if (ip === undefined) return false
    const family = isIPv4(ip) ? 'ipv4' : 'ipv6'
    return this.#lists[family].check(ip, family)
  }
}
