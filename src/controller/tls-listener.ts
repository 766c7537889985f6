import { readFile } from 'node:fs/promises'
import type { Server } from 'node:https'
import type { FastifyInstance } from 'fastify'
import { loadHttps, loadTls } from '../lib/builtins.ts'
import { BackupdError, errnoOf, messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Problems } from '../lib/problems.ts'

export interface TlsOptions {
  host: string
  port: number
  /** PEM: the certificate, then those between it and an authority that clients trust. */
  certFile: string
  /** PEM. */
  keyFile: string
}

export interface TlsListenerOptions extends TlsOptions {
  log: Log
  problems: Problems
}

interface CertifiedKey {
  cert: Buffer
  key: Buffer
}

/** The files are read again this often. */
const CHECK_MS = 10_000
const CLOSE_MS = 3000

/** Serves what `app` serves over TLS, on a port of its own: daemons stay on the plain one. */
export class TlsListener {
  readonly server: Server
  readonly #options: TlsListenerOptions
  #known: CertifiedKey
  #timer: NodeJS.Timeout | undefined

  private constructor(app: FastifyInstance, known: CertifiedKey, options: TlsListenerOptions) {
    this.server = loadHttps().createServer({ ...known, minVersion: 'TLSv1.2' }, (request, reply) =>
      app.routing(request, reply),
    )
    this.server.requestTimeout = app.server.requestTimeout
    this.#known = known
    this.#options = options
  }

  /** Throws BAD_INPUT if the files cannot be used. @param app with all its routes */
  static async create(app: FastifyInstance, options: TlsListenerOptions): Promise<TlsListener> {
    return new TlsListener(app, await readCertifiedKey(options), options)
  }

  /** Throws BAD_INPUT if it cannot listen there. */
  async listen(): Promise<void> {
    const { host, port, certFile } = this.#options
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.server.once('error', reject).listen({ host, port }, resolve)
    await promise.catch((cause) => {
      const message = `The controller cannot listen with TLS on ${host}:${port}: ${messageOf(cause)}. Choose another address`
      throw new BackupdError('BAD_INPUT', message, { cause })
    })
    this.#timer = setInterval(() => void this.reload(), CHECK_MS)
    this.#timer.unref()
    this.#options.log.info({ host, port, certFile }, `The controller listens with TLS on ${host}:${port}`)
  }

  /** Puts changed files in use. If they cannot be used, the old ones stay, with a problem. */
  async reload(): Promise<void> {
    try {
      const found = await readCertifiedKey(this.#options)
      if (!isSameKey(found, this.#known)) this.#use(found)
      this.#options.problems.clear('tls', 'certificate')
    } catch (error) {
      const text = `${messageOf(error)}. The earlier certificate stays in use`
      this.#options.problems.report({ source: 'tls', key: 'certificate', text })
    }
  }

  /** Refuses new connections, and waits a little for requests under way. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    const timer = setTimeout(() => this.server.closeAllConnections(), CLOSE_MS)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.server.close(() => resolve())
    this.server.closeIdleConnections()
    await promise.finally(() => clearTimeout(timer))
  }

  #use(found: CertifiedKey): void {
    this.server.setSecureContext({ ...found, minVersion: 'TLSv1.2' })
    this.#known = found
    this.#options.log.info({ file: this.#options.certFile }, 'A new certificate is in use')
  }
}

/** Throws BAD_INPUT if a file cannot be read, or if they do not belong together. */
async function readCertifiedKey({ certFile, keyFile }: TlsOptions): Promise<CertifiedKey> {
  const [cert, key] = [await readPem('--tls-cert', certFile), await readPem('--tls-key', keyFile)]
  try {
    loadTls().createSecureContext({ cert, key })
    return { cert, key }
  } catch (cause) {
    const message = `Cannot use ${certFile} with the key ${keyFile}: ${messageOf(cause)}, expected PEM files that belong together`
    throw new BackupdError('BAD_INPUT', message, { cause })
  }
}

async function readPem(flag: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    const message = `Cannot read ${flag} ${file}: ${errnoOf(cause) ?? messageOf(cause)}`
    throw new BackupdError('BAD_INPUT', message, { cause })
  }
}

function isSameKey(one: CertifiedKey, other: CertifiedKey): boolean {
  return one.cert.equals(other.cert) && one.key.equals(other.key)
}
