import { X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Server } from 'node:https'
import type { TLSSocket } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { loadHttps } from '../lib/builtins.ts'
import {
  type CertifiedPeer,
  checkCertificate,
  findIssuer,
  readFingerprint,
  readPeerCertificate,
} from '../lib/certificates/check-certificate.ts'
import type { Credentials } from '../lib/certificates/x509.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'

export interface CertifiedListenerOptions {
  host: string
  port: number
  /** Named in errors, such as `daemon`. */
  program: string
  own: Credentials
}

const HANDSHAKE_MS = 10_000
const CLOSE_MS = 3000
/** So that nobody shows a certificate on one connection for longer than that is valid. */
const REQUESTS_A_CONNECTION = 100

/**
 * Serves what `app` serves, to programs with a certificate of our authorities. Node only proves that the other side has its
 * key: findPeer says who it is, so that a refusal can name the reason, and whoever needs none can be answered.
 */
export class CertifiedListener {
  readonly server: Server
  readonly #options: CertifiedListenerOptions
  #authorities: X509Certificate[]
  readonly #sockets = new Set<TLSSocket>()
  readonly #peers = new WeakMap<TLSSocket, CertifiedPeer>()

  /** @param app with all its routes */
  constructor(app: FastifyInstance, options: CertifiedListenerOptions) {
    this.#options = options
    this.#authorities = parseAuthorities(options.own)
    this.server = loadHttps().createServer(
      {
        ...makeContext(options.own, this.#authorities),
        requestCert: true,
        rejectUnauthorized: false,
        handshakeTimeout: HANDSHAKE_MS,
      },
      (request, reply) => app.routing(request, reply),
    )
    this.server.requestTimeout = app.server.requestTimeout
    this.server.keepAliveTimeout = app.server.keepAliveTimeout
    this.server.maxRequestsPerSocket = REQUESTS_A_CONNECTION
    this.server.on('secureConnection', (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  /** Returns `https://HOST:PORT`. Throws CONFLICT if it cannot listen there. */
  async listen(): Promise<string> {
    const { host, port, program } = this.#options
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.server.once('error', reject).listen({ host, port }, resolve)
    await promise.catch((cause) => {
      const message = `The ${program} cannot listen with TLS on ${host}:${port}: ${messageOf(cause)}. Stop what uses the port, or choose another address`
      throw new BackupdError('CONFLICT', message, { cause })
    })
    const address = this.server.address()
    const own = typeof address === 'object' && address !== null ? address.port : port
    return `https://${host.includes(':') ? `[${host}]` : host}:${own}`
  }

  /** Who sent a request, whatever the dates of its certificate. Throws FORBIDDEN if no authority of ours certified it. */
  findPeer({ socket }: Pick<IncomingMessage, 'socket'>): CertifiedPeer {
    const secure = socket as TLSSocket
    const known = this.#peers.get(secure)
    if (known) return known
    const peer = checkCertificate(readPeerCertificate(secure), this.#authorities)
    this.#peers.set(secure, peer)
    return peer
  }

  /** Shows another certificate to whoever connects from now on, and ends connections of authorities that count no more. */
  use(own: Credentials): void {
    this.#authorities = parseAuthorities(own)
    this.server.setSecureContext(makeContext(own, this.#authorities))
    const known = new Set(this.#authorities.map(readFingerprint))
    this.endConnections(({ authority }) => !known.has(authority))
  }

  /** Closes the open connections of some peers at once. */
  endConnections(isEnded: (peer: CertifiedPeer) => boolean): void {
    for (const socket of this.#sockets) {
      const peer = this.#peers.get(socket)
      if (peer && isEnded(peer)) socket.destroy()
    }
  }

  /** Refuses new connections, and waits a little for requests under way. */
  async close(): Promise<void> {
    const timer = setTimeout(() => this.server.closeAllConnections(), CLOSE_MS)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.server.close(() => resolve())
    this.server.closeIdleConnections()
    await promise.finally(() => clearTimeout(timer))
  }
}

function parseAuthorities({ authorities }: Credentials): X509Certificate[] {
  return authorities.map((pem) => new X509Certificate(pem))
}

/** The authority of the certificate is sent along, because a daemon that joins knows it by its fingerprint only. */
function makeContext({ key, certificate }: Credentials, authorities: readonly X509Certificate[]) {
  const issuer = findIssuer(new X509Certificate(certificate), authorities)
  const ca = authorities.map(String)
  return { key, cert: `${certificate}\n${issuer ?? ''}`, ca, minVersion: 'TLSv1.3' as const }
}
