import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { guardBrowsers } from '../../http/browser-guard.ts'
import { CONNECTION_LIMITS, type ConnectionLimits, limitConnections } from '../../http/connection-limits.ts'
import { takeEmptyBodies } from '../../http/empty-bodies.ts'
import { meterBodies } from '../../http/meter-bodies.ts'
import { BackupdError, errnoOf, messageOf } from '../../lib/errors.ts'
import { ERROR_CODE_HEADER } from '../../wire/error-codes.ts'
import { Fields, formValues, jsonValues } from './fields.ts'
import { refusalOf } from './refusal.ts'
import type { Answer, Route, World } from './route.ts'

export interface HttpServer {
  /** `http://127.0.0.1:9002` */
  url: string
  /** Takes no more requests, lets those that came end, not for long. */
  close(): Promise<void>
}

export interface HttpOptions {
  host: string
  port: number
  allowedHosts: readonly string[]
  /** Where they differ from CONNECTION_LIMITS. */
  connections?: Partial<ConnectionLimits>
}

/** Bytes, for every route that says nothing else. */
const BODY_LIMIT = 1024 * 1024
/** Callers wait 10 s for an answer. */
const ANSWER_MS = 9_500
const CLOSE_MS = 3000
/** As the recorded system writes it. */
const JSON_TYPE = 'application/json; charset=UTF-8'

/** Serves the table of routes. Throws CONFLICT, FORBIDDEN or BAD_INPUT where it cannot listen there. */
export async function serve(
  routes: readonly Route[],
  world: World,
  options: HttpOptions,
): Promise<HttpServer> {
  const app = Fastify({
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: 4096 },
    forceCloseConnections: 'idle',
    requestTimeout: 60_000,
    frameworkErrors: (error, _request, reply) => refuse(reply, error),
  })
  const allowed = options.allowedHosts.map((host) => host.toLowerCase())
  app.addHook('onRequest', async ({ headers }) => guardBrowsers(headers, allowed))
  meterBodies(app)
  readBodies(app)
  for (const route of routes) addRoute(app, route, world)
  app.setNotFoundHandler((_request, reply) => print(reply, { status: 404, body: { msg: '404 not found' } }))
  app.setErrorHandler((error, _request, reply) => refuse(reply, error))
  limitConnections(app.server, { ...CONNECTION_LIMITS, ...options.connections })
  await listen(app, options)
  return { url: urlOf(app, options.host), close: () => close(app) }
}

function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  const parse =
    (read: (body: string) => Map<string, unknown[]>) => async (_request: FastifyRequest, body: string) =>
      read(body)
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, parse(formValues))
  app.addContentTypeParser('application/json', { parseAs: 'string' }, parse(jsonValues))
  takeEmptyBodies(app)
}

function addRoute(app: FastifyInstance, route: Route, world: World): void {
  app.route({
    method: route.method,
    url: route.path,
    bodyLimit: route.bodyLimit ?? BODY_LIMIT,
    handler: async (request, reply) => {
      try {
        return print(reply, await answerInTime(route, request, world))
      } catch (error) {
        if (refusalOf(error).status >= 500) world.log.error({ error, url: request.url }, messageOf(error))
        return refuse(reply, error, route.notFound)
      }
    },
  })
}

async function answerInTime(route: Route, request: FastifyRequest, world: World): Promise<Answer> {
  const late = new AbortController()
  const params = request.params as Record<string, string>
  const answer = Promise.resolve(
    route.handle({ params, fields: fieldsOf(request), late: late.signal }, world),
  )
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    const words = `${request.method} ${request.url} was not answered in time: ask for less, or see whether the store answers`
    timer = setTimeout(() => {
      const error = new BackupdError('TIMED_OUT', words)
      reject(error)
      late.abort(error)
    }, ANSWER_MS)
  })
  return await Promise.race([answer, tooLate]).finally(() => clearTimeout(timer))
}

function fieldsOf(request: FastifyRequest): Fields {
  const query = new Map(
    Object.entries(request.query as Record<string, string | string[]>).map(([name, value]) => [
      name,
      [value].flat(),
    ]),
  )
  const body = request.body instanceof Map ? request.body : new Map<string, unknown[]>()
  return new Fields(new Map([...query, ...body]))
}

function print(reply: FastifyReply, { status, body }: Answer): FastifyReply {
  reply.code(status).header('content-type', JSON_TYPE)
  return status === 204 ? reply.send() : reply.send(JSON.stringify(body))
}

function refuse(reply: FastifyReply, error: unknown, notFound?: number): FastifyReply {
  const { status, code, message } = refusalOf(error, notFound)
  reply.header(ERROR_CODE_HEADER, code)
  return print(reply, { status, body: message })
}

async function listen(app: FastifyInstance, { host, port }: HttpOptions): Promise<void> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    await app.close()
    throw cannotListen(`${host}:${port}`, error)
  }
}

function cannotListen(address: string, cause: unknown): BackupdError {
  const errno = errnoOf(cause)
  if (errno === 'EADDRINUSE') {
    return new BackupdError(
      'CONFLICT',
      `The daemon cannot listen on ${address}: the port is in use. Stop what uses it, or choose another address`,
      { cause },
    )
  }
  return new BackupdError(
    errno === 'EACCES' ? 'FORBIDDEN' : 'BAD_INPUT',
    `The daemon cannot listen on ${address}: ${messageOf(cause)}. Choose another address`,
    { cause },
  )
}

function urlOf(app: FastifyInstance, host: string): string {
  const address = app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

async function close(app: FastifyInstance): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), CLOSE_MS)
  await app.close().finally(() => clearTimeout(timer))
}
