import type { FastifyInstance, FastifyRequest } from 'fastify'
import { acceptLegacyRecord, acceptNews } from '../domain/records.ts'
import type { World } from '../domain/world.ts'
import { printJson } from '../http/app.ts'
import { BackupdError } from '../lib/errors.ts'
import { plainIp } from '../lib/plain-ip.ts'
import { newsSchema, PROTOCOL } from '../wire/daemon-api.ts'
import { parseShape } from '../wire/json.ts'
import { legacyRecordSchema } from '../wire/record.ts'

/** Bytes; enough for a batch of records with a thousand warnings each. */
const NEWS_LIMIT = 32 * 1024 * 1024

/** The route for news: a batch from our daemons, one record from a legacy one. 2xx: the news is on disk. */
export function addNewsRoute(app: FastifyInstance, world: World): void {
  app.register(async (scope) => {
    // Removes keys that could change a prototype instead of refusing the body, which would block the whole batch.
    scope.removeContentTypeParser('application/json')
    const parse = scope.getDefaultJsonParser('remove', 'remove')
    scope.addContentTypeParser('application/json', { parseAs: 'string' }, parse)
    scope.post('/api/v2/system/notify', { bodyLimit: NEWS_LIMIT }, async (request, reply) => {
      await accept(world, request)
      return printJson(reply.code(200), 'OK')
    })
  })
}

async function accept(world: World, { body, ip }: FastifyRequest): Promise<void> {
  if (typeof body !== 'object' || body === null) throw invalidBody()
  if ('protocol' in body && body.protocol === PROTOCOL) {
    const { setAside, mended, ...news } = parseShape('The news', body, newsSchema)
    await acceptNews(world, news, { from: plainIp(ip), setAside, mended })
  } else {
    await acceptLegacy(world, body, plainIp(ip))
  }
}

/** Accepts and sets aside a bad record of a known daemon, which would otherwise send it forever. */
async function acceptLegacy(world: World, body: object, from: string): Promise<void> {
  try {
    await acceptLegacyRecord(world, parseShape('The record', body, legacyRecordSchema), { from })
  } catch (error) {
    const isBad = error instanceof BackupdError && error.code === 'BAD_INPUT'
    if (!isBad || !world.servers.has(from)) throw error
    world.setAside.note(from, 'records', [error.message])
  }
}

function invalidBody(): BackupdError {
  const what = 'The record is not valid: the body is not a JSON object'
  return new BackupdError('BAD_INPUT', `${what}. Send one record, or news as daemons do, as application/json`)
}
