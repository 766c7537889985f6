import type { IncomingMessage } from 'node:http'
import type { Server } from 'node:https'
import type { FastifyInstance } from 'fastify'
import { closeApp } from '../../http/app.ts'
import { CertifiedListener } from '../../http/certified-listener.ts'
import { checkDates } from '../../lib/certificates/check-certificate.ts'
import { BackupdError } from '../../lib/errors.ts'
import { CONTROLLER_URI } from '../../wire/enrolment.ts'
import type { PresentIdentity } from '../identity/present-identity.ts'

/** The only door of an enrolled daemon: it answers controllers of its authorities, and nobody else. */
export class SecureDoor {
  readonly #app: FastifyInstance
  readonly #identity: PresentIdentity
  readonly #listener: CertifiedListener

  constructor(
    app: FastifyInstance,
    identity: PresentIdentity,
    { host, port }: { host: string; port: number },
  ) {
    this.#app = app
    this.#identity = identity
    this.#listener = new CertifiedListener(app, { host, port, program: 'daemon', own: identity.present })
  }

  get server(): Server {
    return this.#listener.server
  }

  async open() {
    await this.#app.ready()
    return {
      url: await this.#listener.listen(),
      renewed: () => this.#listener.use(this.#identity.present),
      close: async () => {
        await this.#listener.close()
        await closeApp(this.#app)
      },
    }
  }

  /** Throws FORBIDDEN unless a controller asks. */
  check(request: IncomingMessage): void {
    const peer = this.#listener.findPeer(request)
    checkDates(peer, this.#identity.now())
    if (peer.uri === CONTROLLER_URI) return
    throw new BackupdError(
      'FORBIDDEN',
      'Only a controller may ask this daemon, and the certificate is not that of one',
    )
  }
}
