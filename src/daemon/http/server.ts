import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { BODY_LIMIT, closeApp, createApp, listen, printJson } from '../../http/app.ts'
import { guardBrowsers } from '../../http/browser-guard.ts'
import { CONNECTION_LIMITS, type ConnectionLimits, limitConnections } from '../../http/connection-limits.ts'
import { acceptEmptyBodies } from '../../http/empty-bodies.ts'
import { limitHandshakes } from '../../http/handshake-limit.ts'
import { BackupdError, messageOf } from '../../lib/errors.ts'
import { ERROR_CODE_HEADER } from '../../wire/error-code-header.ts'
import { type FieldValues, RequestFields, readFieldValues } from '../../wire/request-fields.ts'
import type { PresentIdentity } from '../identity/present-identity.ts'
import { parseForm, parseJsonBody } from './body-values.ts'
import { toRefusal } from './refusal.ts'
import type { DaemonAnswer, DaemonParts, DaemonRoute } from './route.ts'
import { SecureDoor } from './secure-door.ts'

export interface HttpServer {
  /** `http://127.0.0.1:9002` */
  url: string
  /** Shows the present certificate of the identity to whoever connects from now on. */
  renewed(): void
  /** Refuses new requests and waits a short time for those under way. */
  close(): Promise<void>
}

export interface ServeOptions {
  host: string
  port: number
  allowedHosts: readonly string[]
  /** Limits that differ from CONNECTION_LIMITS. */
  connections?: Partial<ConnectionLimits>
  /** Answers only controllers of its authority, through TLS; undefined: everybody, over plain HTTP. */
  identity?: PresentIdentity | undefined
}

/** Controllers wait 10 s for an answer; this leaves half a second for the network. */
const ANSWER_TIMEOUT_MS = 9_500

/** Serves the table of routes. Throws CONFLICT, FORBIDDEN or BAD_INPUT if it cannot listen. */
export async function serve(
  routes: readonly DaemonRoute[],
  world: DaemonParts,
  options: ServeOptions,
): Promise<HttpServer> {
  let secure: SecureDoor | undefined
  const allowed = options.allowedHosts.map((host) => host.toLowerCase())
  const app = createApp({
    guard: ({ headers, raw }) => {
      guardBrowsers(headers, allowed)
      secure?.check(raw)
    },
    refuse: (error, _request, reply) => sendRefusal(reply, error),
  })
  readBodies(app)
  for (const route of routes) addRoute(app, route, world)
  const limits = { ...CONNECTION_LIMITS, ...options.connections }
  const { identity } = options
  if (!identity) {
    limitConnections(app.server, limits)
    return { url: await listen(app, options, 'daemon'), renewed: () => {}, close: () => closeApp(app) }
  }
  secure = new SecureDoor(app, identity, options)
  limitConnections(secure.server, limits)
  limitHandshakes(secure.server, world)
  return await secure.open()
}

function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  const parse = (read: (body: string) => FieldValues) => async (_request: FastifyRequest, body: string) =>
    read(body)
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, parse(parseForm))
  app.addContentTypeParser('application/json', { parseAs: 'string' }, parse(parseJsonBody))
  acceptEmptyBodies(app)
}

function addRoute(app: FastifyInstance, route: DaemonRoute, world: DaemonParts): void {
  app.route({
    method: route.method,
    url: route.path,
    bodyLimit: route.bodyLimit ?? BODY_LIMIT,
    handler: async (request, reply) => {
      try {
        return sendAnswer(reply, await answerInTime(route, { request, reply }, world))
      } catch (error) {
        if (toRefusal(error).status >= 500) world.log.error({ error, url: request.url }, messageOf(error))
        return sendRefusal(reply, error, route.notFound)
      }
    },
  })
}

function sendAnswer(reply: FastifyReply, { status, body, stream }: DaemonAnswer): FastifyReply {
  reply.code(status)
  if (!stream) return printJson(reply, body)
  return reply
    .type(stream.type)
    .headers(stream.headers ?? {})
    .send(stream.content)
}

async function answerInTime(
  route: DaemonRoute,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  world: DaemonParts,
): Promise<DaemonAnswer> {
  const late = new AbortController()
  const left = () => late.abort(new BackupdError('CANCELLED', 'The caller left'))
  reply.raw.once('close', left)
  const params = request.params as Record<string, string>
  const answer = Promise.resolve(
    route.handle({ params, fields: readFields(request), late: late.signal }, world),
  )
  const { patienceMs = ANSWER_TIMEOUT_MS } = route
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    const message = `${request.method} ${request.url} was not answered within ${patienceMs / 1000} s. Ask for less, or check whether the store answers`
    timer = setTimeout(() => {
      const error = new BackupdError('TIMED_OUT', message)
      reject(error)
      late.abort(error)
    }, patienceMs)
  })
  return await Promise.race([answer, tooLate]).finally(() => {
    clearTimeout(timer)
    reply.raw.off('close', left)
  })
}

function readFields(request: FastifyRequest): RequestFields {
  const body: FieldValues = request.body instanceof Map ? request.body : new Map()
  return new RequestFields(readFieldValues(request.query), body)
}

function sendRefusal(reply: FastifyReply, error: unknown, notFound?: number): FastifyReply {
  const { status, code, message } = toRefusal(error, notFound)
  reply.header(ERROR_CODE_HEADER, code)
  return printJson(reply.code(status), message)
}
