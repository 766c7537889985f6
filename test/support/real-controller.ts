import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'graphql-ws'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import type { ControllerOptions } from '../../src/controller/controller-options.ts'
import { startController } from '../../src/controller/server.ts'
import { type DaemonOptions, startDaemon } from '../../src/daemon/daemon.ts'
import type { InventorySource } from '../../src/domain/ports.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { Inventory, InventoryNews } from '../../src/wire/inventory.ts'
import { freePort } from './free-port.ts'
import { keepingLog } from './keeping-log.ts'

/** An inventory source that a test controls. */
export function toldInventory(first: Inventory): InventorySource & { tell(news: InventoryNews): void } {
  let listener: (news: InventoryNews) => void = () => {}
  return {
    async watch(onNews) {
      listener = onNews
      onNews({ kind: 'inventory', inventory: first })
      return { reread: async () => {}, close: async () => {} }
    },
    tell: (news) => listener(news),
  }
}

/** A folder that is removed when the test ends, after everything that was started later has ended. */
export async function testFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'backupd-test-server-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export type StartOptions = Partial<ControllerOptions> & {
  folder: string
  daemonUrls?: Record<string, string>
}

/** A real controller on a free port; a server without an answering daemon counts as down. */
export async function startTestController({ folder, daemonUrls = {}, ...options }: StartOptions) {
  const port = await freePort()
  const log = keepingLog()
  const controller = await startController({
    host: '127.0.0.1',
    port,
    advertise: `http://127.0.0.1:${port}`,
    keepRecordsMs: 400 * 86_400_000,
    overdueGraceMs: 600_000,
    dataDir: join(folder, 'controller'),
    copyDir: join(folder, 'copies'),
    inventory: toldInventory({ apps: [] }),
    volumeRoot: join(folder, 'volumes'),
    addressOf: (ip) => daemonUrls[ip] ?? 'http://127.0.0.1:1',
    // The daemons of a test have addresses that this machine does not have.
    newsFrom: () => ['127.0.0.1'],
    allowedHosts: [],
    access: { anonymous: 'admin', insecureHttp: false },
    log,
    clock: systemClock,
    webDir: null,
    version: '1.2.3',
    ...options,
  })
  onTestFinished(() => controller.close())
  return { ...controller, log }
}

/** A real daemon with a local store, its volumes under `<folder>/volumes`. */
export async function startTestDaemon(folder: string, ip = '127.0.0.1', more: Partial<DaemonOptions> = {}) {
  const log = keepingLog()
  await mkdir(join(folder, 'volumes'), { recursive: true })
  await mkdir(join(folder, 'store'), { recursive: true })
  const daemon = await startDaemon({
    host: '127.0.0.1',
    port: 0,
    ip,
    dataDir: join(folder, `daemon-${ip}`),
    volumeRoot: join(folder, 'volumes'),
    allowPaths: [],
    store: { driver: 'local', dir: join(folder, 'store') },
    takeOver: false,
    allowedHosts: [],
    log,
    clock: systemClock,
    concurrency: 2,
    version: '1.2.3',
    warmRunners: 1,
    ...more,
  })
  onTestFinished(() => daemon.close())
  return { ...daemon, log }
}

export interface GraphQLAnswer<T> {
  status: number
  data?: T
  errors?: { message: string; path?: string[]; extensions: Record<string, unknown> }[]
}

/** One request over HTTP. */
export async function askGraphQL<T = Record<string, unknown>>(
  url: string,
  query: string,
  variables: object = {},
  headers: Record<string, string> = {},
): Promise<GraphQLAnswer<T>> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  })
  return { status: response.status, ...((await response.json()) as object) }
}

/** graphql-ws, without reconnecting. */
export function socketClient(
  url: string,
  headers: Record<string, string> = {},
  connectionParams: Record<string, unknown> = {},
) {
  class Socket extends WebSocket {
    constructor(address: string, protocols: string[]) {
      super(address, protocols, { headers })
    }
  }
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: Socket,
    connectionParams,
    retryAttempts: 0,
  })
  onTestFinished(() => void client.dispose())
  return client
}
