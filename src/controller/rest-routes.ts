import formbody from '@fastify/formbody'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Execute } from '../client/execute.ts'
import type { Caller } from '../domain/access/principal.ts'
import { printJson } from '../http/app.ts'
import { acceptEmptyBodies } from '../http/empty-bodies.ts'
import type { Clock } from '../lib/clock.ts'
import { JsonElements } from '../rest-compat/json-elements.ts'
import { makeRefusalReply } from '../rest-compat/refusal.ts'
import type { Reply } from '../rest-compat/reply.ts'
import { REST_ROUTES } from '../rest-compat/routes.ts'
import type { RestRoute } from '../rest-compat/row.ts'
import { ERROR_CODE_HEADER } from '../wire/error-code-header.ts'
import { RequestFields, readFieldValues } from '../wire/request-fields.ts'
import { sendElements } from './send-elements.ts'

export interface RestOptions {
  /** Executes documents in the name of a caller. */
  executeAs(caller: Caller): Execute
  /** Who asks. */
  findCaller(request: FastifyRequest): Caller
  clock: Clock
}

const NOT_FOUND: Reply = { status: 404, body: { msg: '404 not found' } }

/** Adds the legacy v1 and v2 URLs. Bodies are urlencoded or JSON; an empty one may have any type. */
export async function addRestRoutes(app: FastifyInstance, options: RestOptions): Promise<void> {
  await app.register(formbody)
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else parse(request, String(body), done)
  })
  acceptEmptyBodies(app)
  for (const [path, routes] of Map.groupBy(
    REST_ROUTES,
    ({ method, path }) => `${method} ${readPath(path)}`,
  )) {
    const [method = '', url = ''] = path.split(' ')
    const choices = routes.map((route) => ({ route, flags: readFlags(route.path) }))
    app.route({ method, url, handler: (request, reply) => answer(choices, { request, reply, ...options }) })
  }
}

interface Choice {
  route: RestRoute
  flags: [string, string][]
}

interface Exchange extends RestOptions {
  request: FastifyRequest
  reply: FastifyReply
}

async function answer(choices: readonly Choice[], exchange: Exchange): Promise<FastifyReply> {
  try {
    return await send(exchange.reply, await ask(choices, exchange))
  } catch (error) {
    return send(exchange.reply, makeRefusalReply(error))
  }
}

async function ask(
  choices: readonly Choice[],
  { request, executeAs, findCaller, clock }: Omit<Exchange, 'reply'>,
): Promise<Reply> {
  const fields = new RequestFields(readFieldValues(request.query), readFieldValues(request.body ?? {}))
  const call = { params: request.params as Record<string, string>, fields, now: clock.now() }
  const meant = choices.find(({ flags }) => flags.every(([name, value]) => fields.text(name) === value))
  return meant ? meant.route.reply(call, executeAs(findCaller(request))) : NOT_FOUND
}

async function send(
  reply: FastifyReply,
  { status, body, warnings = [], code }: Reply,
): Promise<FastifyReply> {
  reply.code(status)
  if (warnings.length > 0) reply.header('warning', warnings.map(formatWarning).join(', '))
  if (code !== undefined) reply.header(ERROR_CODE_HEADER, code)
  return body instanceof JsonElements ? sendElements(reply, body) : printJson(reply, body)
}

function readPath(pattern: string): string {
  return pattern.split('?')[0] ?? pattern
}

/** The query flags that a request must have: a pattern may end in `?open=true`. */
function readFlags(pattern: string): [string, string][] {
  return [...new URLSearchParams(pattern.split('?')[1] ?? '')]
}

function formatWarning(sentence: string): string {
  return `199 backupd "${sentence.replaceAll(/["\\\r\n]/g, ' ')}"`
}
