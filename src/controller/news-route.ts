import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyReply } from 'fastify'
import {
  acceptLegacyRecord,
  acceptNews,
  admitNews,
  type NewsOrigin,
  noteUnreadNews,
  noteUnusableNews,
} from '../domain/accept-news.ts'
import type { NewsPoster } from '../domain/news-sender.ts'
import type { World } from '../domain/world.ts'
import { printJson } from '../http/app.ts'
import { chooseRetryAfter } from '../http/connection-limits.ts'
import { frameworkRefusal } from '../http/framework-refusal.ts'
import { BackupdError, errnoOf, hasCode } from '../lib/errors.ts'
import { newsSchema, PROTOCOL } from '../wire/daemon-api.ts'
import { NEWS_PATH } from '../wire/enrolment.ts'
import { parseShape } from '../wire/json.ts'
import { readNewsHead } from '../wire/news-head.ts'
import { legacyRecordSchema } from '../wire/record.ts'
import { RequestSenders } from './request-senders.ts'

/** Bytes; enough for a batch of records with a thousand warnings each. */
const NEWS_LIMIT = 32 * 1024 * 1024

/** The route for news: a batch from our daemons, one record from a legacy one. 2xx: the news is on disk. */
export function addNewsRoute(app: FastifyInstance, world: World, senders = new RequestSenders()): void {
  addNewsRouteFor(app, world, (request) => ({ from: senders.find(request).address }))
}

/** @param findPoster throws FORBIDDEN for a request that may not post */
export function addNewsRouteFor(
  app: FastifyInstance,
  world: World,
  findPoster: (request: IncomingMessage) => NewsPoster,
): void {
  app.register(async (scope) => {
    // Removes keys that could change a prototype instead of refusing the body, which would block the whole batch.
    scope.removeContentTypeParser('application/json')
    const parse = scope.getDefaultJsonParser('remove', 'remove')
    const sizes = new WeakMap<object, number>()
    scope.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => {
      parse(request, String(text), (error, body) => {
        if (typeof body === 'object' && body !== null) sizes.set(body, text.length)
        done(error, body)
      })
    })
    // Before the body is read: it may have 32 MiB.
    scope.addHook('onRequest', async ({ raw }) => void findPoster(raw))
    scope.setErrorHandler((error, request, reply) => {
      const poster = findPoster(request.raw)
      const seconds = findRetryAfter(world, error, poster)
      if (seconds !== undefined) reply.header('retry-after', seconds)
      const flaw = findPostFlaw(error)
      if (flaw !== undefined) noteUnusableNews(world, poster, flaw)
      throw error
    })
    scope.post(
      NEWS_PATH,
      { bodyLimit: NEWS_LIMIT, config: { access: 'daemons' } },
      async (request, reply) => {
        const bytes = sizes.get(Object(request.body)) ?? 0
        const poster = findPoster(request.raw)
        await accept(world, request.body, { ...poster, bytes, gone: watchEnd(reply) })
        return printJson(reply.code(200), 'OK')
      },
    )
  })
}

/** Aborted when the answer was sent, or when the sender closed the connection before. */
function watchEnd({ raw }: FastifyReply): AbortSignal {
  const end = new AbortController()
  raw.once('close', () => end.abort())
  if (raw.closed) end.abort()
  return end.signal
}

/** Seconds after which news that was refused for lack of room may come again; undefined for other errors. */
function findRetryAfter(world: World, error: unknown, poster: NewsPoster): number | undefined {
  if (!(error instanceof BackupdError)) return undefined
  if (error.code === 'OVERLOADED') return Number(error.facts.retryAfterSeconds ?? 1)
  return error.code === 'TOO_COSTLY' ? (noteUnreadNews(world, poster) ?? chooseRetryAfter()) : undefined
}

/** Why a whole post cannot be used, however often it is sent; undefined for other errors, such as a lost connection. */
function findPostFlaw(error: unknown): string | undefined {
  if (error instanceof BackupdError) return error.code === 'BAD_INPUT' ? error.message : undefined
  return errnoOf(error)?.startsWith('FST_ERR_CTP_') ? frameworkRefusal(error)?.message : undefined
}

async function accept(world: World, body: unknown, origin: NewsOrigin): Promise<void> {
  if (typeof body !== 'object' || body === null) throw invalidBody()
  if (!('protocol' in body) || body.protocol !== PROTOCOL) return acceptLegacy(world, body, origin)
  const head = readNewsHead(body)
  using _place = head && admitNews(world, head, origin)
  const { setAside, mended, ...news } = parseShape('The news', body, newsSchema)
  await acceptNews(world, news, { ...origin, setAside, mended })
}

/** Accepts and sets aside a bad record of a known daemon, which would otherwise send it forever. */
async function acceptLegacy(world: World, body: object, origin: NewsOrigin): Promise<void> {
  const { from } = origin
  try {
    await acceptLegacyRecord(world, parseShape('The record', body, legacyRecordSchema), origin)
  } catch (error) {
    const isBad = hasCode(error, 'BAD_INPUT')
    if (!isBad || !world.servers.has(from)) throw error
    world.setAside.note(from, 'records', [error.message])
  }
}

function invalidBody(): BackupdError {
  const what = 'The record is not valid: the body is not a JSON object'
  return new BackupdError('BAD_INPUT', `${what}. Send one record, or news as daemons do, as application/json`)
}
