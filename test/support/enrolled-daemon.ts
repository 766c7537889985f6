import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { InviteServerDocument } from '../../src/client/generated/operations.ts'
import type { DaemonOptions } from '../../src/daemon/daemon.ts'
import type { CertifiedPair } from '../../src/lib/certificates/x509.ts'
import { parseJoinToken } from '../../src/wire/enrolment.ts'
import { freePort } from './free-port.ts'
import { given } from './given.ts'
import {
  type StartOptions,
  startTestController,
  startTestDaemon,
  testFolder,
  toldInventory,
} from './real-controller.ts'

export const ONE = '127.0.0.2'
export const TWO = '127.0.0.3'

/** A controller that listens for daemons with certificates, and two servers; the second may use plain HTTP. */
export async function startEnrolling(options: Partial<StartOptions> = {}) {
  const folder = await testFolder()
  for (const no of [1, 2]) {
    const volume = join(folder, `volumes/hello/hello.web.web/${no}/data/db`)
    await mkdir(volume, { recursive: true })
    await writeFile(join(volume, 'a.txt'), `of ${no}`)
  }
  const ports = { [ONE]: await freePort(), [TWO]: await freePort() }
  const daemonUrls = { [ONE]: `http://127.0.0.1:${ports[ONE]}`, [TWO]: `http://127.0.0.1:${ports[TWO]}` }
  const inventory = toldInventory(given.app('hello').proc('web').on(ONE, TWO).volume('/data/db').inventory())
  const startController = (more: Partial<StartOptions> = {}) =>
    startTestController({
      ...{ folder, inventory, daemonUrls, daemonTls: { host: '127.0.0.1', port: 0 } },
      isLegacyPeer: (ip) => ip === TWO,
      ...options,
      ...more,
    })
  const controller = await startController()
  const startDaemon = (ip: typeof ONE | typeof TWO, more: Partial<DaemonOptions> = {}) =>
    startTestDaemon(folder, ip, { port: ports[ip], ...more })
  const invite = async (ip: string, replace = false) =>
    (await controller.execute(InviteServerDocument, { ip, replace })).inviteServer.token
  return { ...controller, folder, startController, startDaemon, invite, daemonUrls }
}

export interface StoredPairs {
  authority: CertifiedPair
  controller: CertifiedPair
  /** During a rotation. */
  next?: CertifiedPair
}

export function readAuthority(folder: string): StoredPairs {
  return JSON.parse(readFileSync(join(folder, 'controller/authority.json'), 'utf8'))
}

/** Key, certificate and authorities of an enrolled daemon. */
export function readDaemonPair(
  folder: string,
  ip: string,
): CertifiedPair & { authority: string; authorities?: string[] } {
  return JSON.parse(readFileSync(join(folder, `daemon-${ip}/identity.json`), 'utf8'))
}

/** SPKI, DER. */
export function publicKeyOf(key: string): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' })
}

export function daemonListenerOf(token: string): string {
  return parseJoinToken(token).url
}

interface TlsQuestion {
  method?: string
  path: string
  body?: object
  own?: CertifiedPair | undefined
  /** By default those of JSON. */
  headers?: Record<string, string>
  onSocket?(socket: TLSSocket): void
}

const JSON_HEADERS = { 'content-type': 'application/json' }

/** One request through TLS, to whoever answers. Rejects if the connection is closed. */
export function askTls(
  base: string,
  { method = 'GET', path, body, own, headers = JSON_HEADERS, onSocket }: TlsQuestion,
) {
  const url = new URL(path, base.replace('http:', 'https:'))
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
  const asked = request(
    url,
    {
      ...{ method, rejectUnauthorized: false, agent: false, headers },
      ...(own && { key: own.key, cert: own.certificate }),
    },
    (answer) => {
      let text = ''
      answer.on('data', (chunk) => {
        text += chunk
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
    },
  )
  asked.on('error', reject)
  asked.on('socket', (socket) => onSocket?.(socket as TLSSocket))
  asked.end(body && JSON.stringify(body))
  return promise
}
