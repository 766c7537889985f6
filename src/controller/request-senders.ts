import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { loadTls } from '../lib/builtins.ts'
import { AddressRanges, type Cidr } from '../lib/cidr.ts'
import { isLoopback } from '../lib/loopback.ts'
import { parseIp, plainIp } from '../lib/plain-ip.ts'

/** Where a request came from, as far as that is known for sure. */
export interface RequestSender {
  /** The IP address of the caller: of the connection, or what a trusted proxy says. */
  readonly address: string
  /** Somebody else may be behind that address: the request was forwarded in a way that proves nothing. */
  readonly isUnproven: boolean
  /** It came through TLS. */
  readonly isEncrypted: boolean
  /** Nobody could read it on its way: it came through TLS, or never left this machine. */
  readonly isPrivate: boolean
}

/** Headers by which proxies and gateways say that they ask for others. Only the first two are read. */
const FORWARDING = [
  ...['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded', 'via'],
  ...['x-real-ip', 'x-client-ip', 'true-client-ip', 'cf-connecting-ip'],
]
const MAX_HOPS = 32

/** Finds out who sent a request. Headers count only if a trusted proxy sent them. */
export class RequestSenders {
  readonly #trusted: AddressRanges
  readonly #known = new WeakMap<IncomingMessage, RequestSender>()

  /** @param trustedProxies addresses of proxies; each adds the caller's address to X-Forwarded-For */
  constructor(trustedProxies: readonly Cidr[] = []) {
    this.#trusted = new AddressRanges(trustedProxies)
  }

  find(request: IncomingMessage): RequestSender {
    const known = this.#known.get(request) ?? this.#read(request)
    this.#known.set(request, known)
    return known
  }

  #read({ socket, headers }: IncomingMessage): RequestSender {
    const { remoteAddress = '', localAddress } = socket
    const address = plainIp(remoteAddress)
    const isEncrypted = socket instanceof loadTls().TLSSocket
    const isPrivate = isEncrypted || remoteAddress === localAddress || isLoopback(address)
    const direct = { address, isEncrypted, isPrivate, isUnproven: isForwarded(headers) }
    return this.#trusted.has(address) ? this.#readForwarded(headers, direct) : direct
  }

  /** What a trusted proxy says. It may also ask for itself, and then adds nothing. */
  #readForwarded(headers: IncomingHttpHeaders, direct: RequestSender): RequestSender {
    if (!isForwarded(headers)) return direct
    const schemes = readAll(headers['x-forwarded-proto'])
    const isEncrypted = schemes.length > 0 && schemes.every((scheme) => scheme === 'https')
    return { ...this.#findHop(headers, direct.address), isEncrypted, isPrivate: isEncrypted }
  }

  /** The hop before the last trusted one. Whatever is on its left was written by callers. */
  #findHop(headers: IncomingHttpHeaders, proxy: string): Pick<RequestSender, 'address' | 'isUnproven'> {
    // A proxy that writes only Forwarded passes on the X-Forwarded-For of its callers, who can write anything.
    const isUnproven = headers.forwarded !== undefined
    const hops = readAll(headers['x-forwarded-for']).reverse()
    let address = proxy
    for (const hop of hops.slice(0, MAX_HOPS)) {
      const ip = parseHop(hop)
      if (ip === undefined) return { address, isUnproven: true }
      address = ip
      if (!this.#trusted.has(ip)) return { address, isUnproven }
    }
    return { address, isUnproven: isUnproven || hops.length === 0 || hops.length > MAX_HOPS }
  }
}

function isForwarded(headers: IncomingHttpHeaders): boolean {
  return FORWARDING.some((name) => headers[name] !== undefined)
}

/** The elements of a header, which may have come several times. */
function readAll(header: string | readonly string[] | undefined): string[] {
  const text = typeof header === 'string' ? header : (header ?? []).join(',')
  return text === '' ? [] : text.split(',').map((each) => each.trim().toLowerCase())
}

/** An address, some gateways add a port: `10.0.0.1:4711`, `[2001:db8::1]:4711`. */
function parseHop(hop: string): string | undefined {
  const [, inBrackets, before] = /^(?:\[([^[\]]+)\]|([^:]+))(?::\d{1,5})?$/.exec(hop) ?? []
  return parseIp(inBrackets ?? before ?? hop)
}
