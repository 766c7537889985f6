// What the controller serves on its ports, joined from the parts of this folder.

import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { noteUnreadNews } from '../domain/accept-news.ts'
import { type Caller, makeCaller, OWN_PROCESS, type Principal } from '../domain/access/principal.ts'
import { readOwnListSizes } from '../domain/list-sizes.ts'
import { asCaller } from '../domain/user-world.ts'
import type { World } from '../domain/world.ts'
import { closeApp, listen } from '../http/app.ts'
import { guardBrowsers } from '../http/browser-guard.ts'
import { CONNECTION_LIMITS, type ConnectionLimits, limitConnections } from '../http/connection-limits.ts'
import { limitHandshakes } from '../http/handshake-limit.ts'
import type { Context } from '../resolvers/context.ts'
import { createLoaders } from '../resolvers/loaders.ts'
import { createSchema } from '../resolvers/schema.ts'
import { startApollo } from './apollo.ts'
import type { Authority } from './authority.ts'
import { accessEnded, Callers } from './callers.ts'
import type { ControllerOptions } from './controller-options.ts'
import { listenForDaemons, listenWithin } from './daemon-listener.ts'
import { addDownloadRoute } from './download-route.ts'
import { createExecute } from './execute.ts'
import { serveSocket } from './graphql-socket.ts'
import { addHealthRoute } from './health-route.ts'
import { createHttpApp } from './http-app.ts'
import { serveMetrics } from './metrics-listener.ts'
import { addMetricsRoute, type ControllerMeters } from './metrics-route.ts'
import { addNewsRoute } from './news-route.ts'
import { renewOwnCertificate } from './renew-own-certificate.ts'
import { addRestRoutes } from './rest-routes.ts'
import { addSignInRoutes } from './sign-in-routes.ts'
import { addStartPage } from './start-page.ts'
import { TlsListener } from './tls-listener.ts'
import { addWebRoutes, readWebFiles } from './web-files.ts'

interface ServeOptions extends ControllerOptions {
  authority: Authority | undefined
  meters: ControllerMeters
}

/** Serves GraphQL, the legacy URLs, news, health, metrics and the web pages; `parts` ends what it starts. */
export async function serveController(world: World, options: ServeOptions, parts: AsyncDisposableStack) {
  const graphql = { schema: createSchema(), log: options.log }
  const callers = new Callers(world, options.access)
  const makeContext = (caller: Caller): Context => {
    if (!callers.isCurrent(caller.principal)) throw accessEnded()
    const own = asCaller(world, caller)
    return { world: own, loaders: createLoaders(own) }
  }
  const sizes = (principal: Principal) => readOwnListSizes(asCaller(world, makeCaller(principal, '')))
  const guard = createGuard(options)
  // Whoever accepts tokens over plain HTTP needs browsers that use it.
  const hsts = !options.access.insecureHttp
  const executeAs = (caller: Caller) => createExecute(graphql, () => makeContext(caller))
  const apollo = parts.adopt(await startApollo(graphql), (it) => it.stop())
  const app = parts.adopt(
    await createHttpApp({ apollo, makeContext, callers, hsts, guard, sizes, ...graphql }),
    closeApp,
  )
  await app.register(async (legacy) => {
    const findCaller = ({ principal, raw }: FastifyRequest) =>
      makeCaller(principal, 'rest', callers.senders.find(raw).address)
    await addRestRoutes(legacy, { executeAs, findCaller, clock: options.clock })
    addNewsRoute(legacy, world, callers.senders)
  })
  addSignInRoutes(app, world, { callers, dataDir: options.dataDir })
  addDownloadRoute(app, world, callers)
  addHealthRoute(app, world, options.version)
  addMetricsRoute(app, world, options)
  await addPages(app, options)
  const tls = await createTls(app, { world, options, parts })
  const servers = tls ? [app.server, tls.server] : [app.server]
  const socketOptions = { ...graphql, guard, makeContext, callers, sizes }
  parts.adopt(serveSocket(servers, socketOptions), (it) => it.close())
  const connections = { ...CONNECTION_LIMITS, ...options.connections }
  for (const server of servers)
    limitConnections(server, connections, (from) => noteUnreadNews(world, { from }))
  if (tls) limitHandshakes(tls.server, world)
  const url = await listen(app, options, 'controller')
  await tls?.listen()
  const { link } = options
  if (link) await listenWithin(world, { link, connections }, parts)
  await serveDaemons(world, { ...options, connections, guard }, parts)
  if (options.metricsAddress)
    await serveMetrics(world, { ...options, ...options.metricsAddress, guard }, parts)
  return { url, execute: executeAs(makeCaller(OWN_PROCESS, 'in process')) }
}

async function serveDaemons(
  world: World,
  options: ServeOptions & { connections: ConnectionLimits; guard(request: IncomingMessage): void },
  parts: AsyncDisposableStack,
): Promise<void> {
  const { authority, daemonTls, advertise } = options
  if (!authority) return
  if (!daemonTls) {
    // It is shown to daemons that are asked, too.
    parts.use(renewOwnCertificate(world, authority))
    return reportUnheard(world)
  }
  const url = new URL(await listenForDaemons(world, { ...options, ...daemonTls, authority }, parts))
  // Daemons reach this machine at the same host, whatever the port.
  if (URL.canParse(advertise)) url.hostname = new URL(advertise).hostname
  authority.url = url.origin
}

/** Daemons with certificates talk to nobody else. */
function reportUnheard({ enrolments, problems, log }: World): void {
  if (!enrolments.isUsed) return
  const text =
    'Daemons are enrolled, and the controller does not listen for them, so their news does not arrive. Start it with --daemon-tls-addr'
  log.error({}, text)
  problems.report({ source: 'enrolment', key: 'listener', text })
}

async function addPages(app: FastifyInstance, { webDir, version }: ServeOptions): Promise<void> {
  const webFiles = await readWebFiles(webDir)
  addWebRoutes(app, webFiles)
  addStartPage(app, { version, hasIde: webFiles.has('index.html') })
}

async function createTls(
  app: FastifyInstance,
  { world, options, parts }: { world: World; options: ServeOptions; parts: AsyncDisposableStack },
): Promise<TlsListener | undefined> {
  const { tls, log } = options
  if (!tls) return undefined
  const { problems } = world
  return parts.adopt(await TlsListener.create(app, { ...tls, log, problems }), (it) => it.close())
}

function createGuard({ allowedHosts, advertise }: ControllerOptions): (request: IncomingMessage) => void {
  const own = URL.canParse(advertise) ? [new URL(advertise).hostname] : []
  const hosts = [...allowedHosts, ...own].map((host) => host.toLowerCase())
  return ({ headers }) => guardBrowsers(headers, hosts)
}
