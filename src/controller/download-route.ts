import { finished } from 'node:stream/promises'
import { create as describeAttachment } from 'content-disposition'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { DownloadTicket } from '../domain/access/download-tickets.ts'
import { makeCaller } from '../domain/access/principal.ts'
import { isRefused } from '../domain/answer.ts'
import { type DeliveredFile, download } from '../domain/downloads.ts'
import { asCaller } from '../domain/user-world.ts'
import type { World } from '../domain/world.ts'
import { printJson } from '../http/app.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { DOWNLOAD_HEADERS } from './browser-headers.ts'
import type { Callers } from './callers.ts'

/** Sends a file of a backup to whoever has its address, which `File.downloadUrl` gives out. */
export function addDownloadRoute(app: FastifyInstance, world: World, callers: Callers): void {
  const config = { access: 'ticket' } as const
  // Not Fastify's own HEAD, which would read the whole file, and say that it is empty.
  app.route({ method: ['GET', 'HEAD'], url: '/download/*', exposeHeadRoute: false, config, handler })

  async function handler(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const ticket = readTicket(world, request)
    const { method, headers, raw } = request
    const principal = callers.identifyTicket(raw, ticket.tokenId)
    const own = asCaller(world, makeCaller(principal, 'download', callers.senders.find(raw).address))
    const isHead = method === 'HEAD'
    try {
      const answer = await download(own, ticket, {
        range: isHead ? undefined : headers.range,
        ifRange: oneOf(headers['if-range']),
        deliver: (file) => deliver(reply, file, isHead),
      })
      if (isRefused(answer)) throw new BackupdError(answer.refused, answer.message, { facts: answer.facts })
    } catch (error) {
      if (!reply.raw.headersSent) throw error
      const { server, backup, snapshot, path } = ticket
      world.log.warn({ server, backup, snapshot, path }, `A download broke off: ${messageOf(error)}`)
    }
    return reply
  }
}

function oneOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.[0]
}

/** Its query holds a secret, so errors and logs never show it. */
function readTicket({ downloads }: World, { query }: FastifyRequest): DownloadTicket {
  const { file, key } = query as Record<string, unknown>
  const isWhole = typeof file === 'string' && typeof key === 'string'
  const ticket = isWhole ? downloads.take({ file, key }) : undefined
  if (ticket) return ticket
  const message =
    'This address does not work, or not any more: it is altered or older than ten minutes, or the controller was restarted. Ask for the downloadUrl of the file again'
  throw new BackupdError('NOT_FOUND', message)
}

/** Resolves when all of it was sent. Rejects if the client went away, or with the error of the content. */
async function deliver(
  reply: FastifyReply,
  { head: { size, span, isPart }, content, name, tag }: DeliveredFile,
  isHead: boolean,
): Promise<void> {
  let failure: Error | undefined
  content.once('error', (error) => {
    failure = error
  })
  reply.headers({
    ...DOWNLOAD_HEADERS,
    'accept-ranges': 'bytes',
    'content-disposition': describeAttachment(name),
    ...(tag !== undefined && { etag: tag }),
    ...(isPart && { 'content-range': `bytes ${span ? `${span.from}-${span.end - 1}` : '*'}/${size}` }),
  })
  if (!span) {
    content.destroy()
    printJson(reply.code(416), `The file has ${size} bytes, and none of those that Range asks for`)
    return
  }
  reply.code(isPart ? 206 : 200).type('application/octet-stream')
  reply.header('content-length', span.end - span.from)
  if (isHead) {
    content.destroy()
    reply.send()
    return
  }
  reply.send(content)
  await finished(reply.raw).catch((error) => {
    throw failure ?? error
  })
}
