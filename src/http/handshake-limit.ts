import type { Server } from 'node:https'
import type { Socket } from 'node:net'
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible'
import { readNetwork } from '../lib/address-network.ts'
import type { Log } from '../lib/log.ts'
import { plainIp } from '../lib/plain-ip.ts'

/**
 * TLS connections that one address, or one /64 of IPv6, may open in a minute. Each costs some milliseconds of the event loop, and
 * a fleet behind one address must be able to come back at once.
 */
export const HANDSHAKES_PER_MINUTE = 3000

/** Closes connections beyond the limit before their handshake, which is what they would cost. The first of a minute is logged. */
export function limitHandshakes(
  server: Server,
  { log, perMinute = HANDSHAKES_PER_MINUTE }: { log: Log; perMinute?: number },
): void {
  const limiter = new RateLimiterMemory({ points: perMinute, duration: 60 })
  // The count is known before the first byte of the other side is read.
  server.prependListener('connection', async (socket: Socket) => {
    const address = plainIp(socket.remoteAddress ?? '')
    try {
      await limiter.consume(readNetwork(address))
    } catch (exceeded) {
      socket.destroy()
      if ((exceeded as RateLimiterRes).consumedPoints !== perMinute + 1) return
      const message = `${address} opened ${perMinute} TLS connections within a minute: more are closed until the minute is over`
      log.warn({ address }, message)
    }
  })
}
