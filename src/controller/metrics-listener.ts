import type { IncomingMessage } from 'node:http'
import type { World } from '../domain/world.ts'
import { closeApp, createApp, listen } from '../http/app.ts'
import { type ConnectionLimits, limitConnections } from '../http/connection-limits.ts'
import { type MetricsParts, openMetricsPage, sendMetrics } from './metrics-route.ts'
import { sendRefusal } from './send-refusal.ts'

export interface MetricsListenerOptions extends MetricsParts {
  host: string
  port: number
  /** Throws for a request that is not allowed. */
  guard(request: IncomingMessage): void
}

/** Whoever reaches the port may ask, so it takes only what a few scrapers need. */
const CONNECTIONS: ConnectionLimits = { perPeer: 20, total: 100 }

/**
 * Serves /metrics, and nothing else, without a token. Throws CONFLICT, FORBIDDEN or BAD_INPUT if it cannot listen there.
 * @returns the URL; `parts` ends it
 */
export async function serveMetrics(
  world: World,
  options: MetricsListenerOptions,
  parts: AsyncDisposableStack,
): Promise<string> {
  const { log } = world
  const app = createApp({
    guard: ({ raw }) => options.guard(raw),
    refuse: (error, request, reply) => sendRefusal(error, request, { reply, log }),
  })
  app.get('/metrics', async (request, reply) =>
    sendMetrics(await openMetricsPage(world, options), { request, reply }),
  )
  limitConnections(app.server, CONNECTIONS)
  const url = await listen(app, options, 'controller')
  parts.defer(() => closeApp(app))
  log.info({ url }, `Whoever reaches ${url} reads /metrics there without a token`)
  return url
}
