import { Transform } from 'node:stream'
import { BackupdError } from '../lib/errors.ts'
import { plainIp } from '../lib/plain-ip.ts'

export interface BodyLimits {
  /** Bytes of the unanswered request bodies of one address. */
  perPeer: number
  /** The same for all addresses together. */
  total: number
}

/** Allows each address one body of the largest kind at a time. */
export const BODY_LIMITS: BodyLimits = { perPeer: 33 * 1024 * 1024, total: 128 * 1024 * 1024 }

/** Limits the sum of the bodies in memory, half-sent ones included; the limit of a single body does not do that. */
export class BodyBudget {
  readonly #limits: BodyLimits
  readonly #peers = new Map<string, number>()
  #total = 0

  constructor(limits: BodyLimits = BODY_LIMITS) {
    this.#limits = limits
  }

  /**
   * Returns a stream that counts the body while it arrives and fails with TOO_COSTLY above the limits. Call `release`
   * once when the request has ended in any way.
   */
  meter(address: string): { body: MeteredBody; release(): void } {
    const peer = plainIp(address)
    let bytes = 0
    const body = new MeteredBody((length) => {
      bytes += length
      this.#add(peer, length)
      return this.#findExceededLimit(peer)
    })
    return { body, release: () => this.#add(peer, -bytes) }
  }

  #add(peer: string, bytes: number): void {
    this.#total += bytes
    const left = (this.#peers.get(peer) ?? 0) + bytes
    if (left > 0) this.#peers.set(peer, left)
    else this.#peers.delete(peer)
  }

  #findExceededLimit(peer: string): BackupdError | undefined {
    const { perPeer, total } = this.#limits
    if ((this.#peers.get(peer) ?? 0) > perPeer)
      return makeTooMuch(`${peer} sends more than ${perPeer} bytes at once`)
    if (this.#total > total) return makeTooMuch(`more than ${total} bytes of requests are being received`)
    return undefined
  }
}

/** Passes a body on and counts it. Fastify compares `receivedEncodedLength` with the Content-Length. */
export class MeteredBody extends Transform {
  receivedEncodedLength = 0
  readonly #count: (length: number) => BackupdError | undefined

  constructor(count: (length: number) => BackupdError | undefined) {
    super()
    this.#count = count
  }

  override _transform(
    chunk: Buffer,
    _encoding: string,
    done: (error?: Error | null, chunk?: Buffer) => void,
  ) {
    this.receivedEncodedLength += chunk.length
    const problem = this.#count(chunk.length)
    if (problem) done(problem)
    else done(null, chunk)
  }
}

function makeTooMuch(why: string): BackupdError {
  return new BackupdError(
    'TOO_COSTLY',
    `Cannot read the body: ${why}. Send fewer requests at once, or try again later`,
  )
}
