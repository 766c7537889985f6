import { type ChildProcess, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LainletOrder } from '../programs/lainlet-child.ts'
import { type MooseFs, type MooseFsHost, startMooseFs } from './moosefs.ts'
import { type HttpAnswer, type NetClient, netClient } from './net-client.ts'
import { type Program, startProgram } from './standalone.ts'

export const NODES = ['10.77.0.11', '10.77.0.12'] as const
const CONTROLLER = '10.77.0.9'
const LAINLET = fileURLToPath(new URL('../programs/lainlet-child.ts', import.meta.url))

/**
 * Two machines with a daemon each, one with a controller and a lainlet, one with a MooseFS that the two have mounted.
 */
export interface Cluster extends AsyncDisposable {
  moosefs: MooseFs
  nodes: readonly [MooseFsHost, MooseFsHost]
  /** The path of an instance's volume. */
  volume(instance: number, name: string): string
  /** The path of the store on a node. */
  store(node: MooseFsHost): string
  /** Of the controller. */
  ask(method: string, path: string, form?: Record<string, string>): Promise<HttpAnswer>
  graphql<T>(query: string, variables?: object): Promise<T>
  /** Of a node's daemon. */
  askDaemon(node: number, path: string): Promise<HttpAnswer>
  /** Kills a node's daemon and starts it again; resolves when it listens. */
  restartDaemon(node: 0 | 1): Promise<void>
  lainlet(order: LainletOrder): void
}

export async function startCluster(document: unknown): Promise<Cluster> {
  await using parts = new AsyncDisposableStack()
  const dir = parts.adopt(mkdtempSync(join(tmpdir(), 'backupd-cluster-')), (path) =>
    rmSync(path, { recursive: true, force: true }),
  )
  const moosefs = parts.use(await startMooseFs())
  const [first, second] = NODES.map((ip) => moosefs.addHost(ip)) as [MooseFsHost, MooseFsHost]
  const nodes = [first, second] as const
  const store = (node: MooseFsHost) => join(node.dir, 'lain/backup')
  mkdirSync(store(first), { recursive: true })
  const center = moosefs.addBareHost(CONTROLLER)
  const client = parts.use(await netClient(center))
  const lainlet = center.spawn(process.execPath, [LAINLET, CONTROLLER, '9001'], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  parts.defer(() => end(lainlet))
  await once(lainlet, 'message')
  lainlet.send({ tell: document })
  const root = join(dir, 'volumes')
  const daemons = [undefined, undefined] as (Program | undefined)[]
  const restartDaemon = async (at: 0 | 1) => {
    const node = nodes[at]
    if (daemons[at]) await end(daemons[at].process)
    daemons[at] = startProgram(daemonArgs(node, { dir, root, store: store(node) }), node)
    await daemons[at].said(/The daemon listens/)
  }
  parts.defer(async () => void (await Promise.all(daemons.map((daemon) => daemon && end(daemon.process)))))
  for (const at of [0, 1] as const) await restartDaemon(at)
  const controller = startProgram(controllerArgs(dir, root), center)
  parts.defer(() => end(controller.process))
  await controller.said(/The controller listens/)
  const owned = parts.move()
  return {
    moosefs,
    nodes,
    store,
    restartDaemon,
    ...asking(client),
    volume: (instance, name) => join(root, 'hello/hello.web.web', String(instance), name),
    lainlet: (order) => void lainlet.send(order),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function daemonArgs(node: MooseFsHost, { dir, root, store }: { dir: string; root: string; store: string }) {
  return [
    ...['daemon', '--ip', node.ip, '--addr', `${node.ip}:9002`, '--data', join(dir, node.ip)],
    ...['--volume-root', root, '--backup-driver', 'moosefs', '--backup-moosefs-dir', store],
  ]
}

function controllerArgs(dir: string, root: string): string[] {
  return [
    ...['controller', '--addr', `${CONTROLLER}:9002`, '--advertise', `http://${CONTROLLER}:9002`],
    ...['--lainlet', `${CONTROLLER}:9001`, '--data', join(dir, 'controller'), '--volume-root', root],
  ]
}

function asking(client: NetClient): Pick<Cluster, 'ask' | 'askDaemon' | 'graphql'> {
  const url = `http://${CONTROLLER}:9002`
  return {
    ask: (method, path, form) =>
      client.ask(`${url}${path}`, {
        method,
        ...(form && {
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: String(new URLSearchParams(form)),
        }),
      }),
    askDaemon: (node, path) => client.ask(`http://${NODES[node]}:9002${path}`),
    async graphql<T>(query: string, variables: object = {}) {
      const { body } = await client.ask(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables }),
      })
      const answer = body as { data?: T; errors?: { message: string }[] }
      if (!answer.data) throw new Error(answer.errors?.[0]?.message ?? String(body))
      return answer.data
    },
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** The digest of an archive by sha256sum, after GNU tar read the archive to its end. */
export function digestOfArchive(path: string): string {
  execFileSync('tar', ['-tzf', path], { stdio: 'pipe' })
  return execFileSync('sha256sum', [path], { encoding: 'utf8' }).split(' ')[0] ?? ''
}
