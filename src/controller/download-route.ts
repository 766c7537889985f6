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
import { accessEnded, type Callers } from './callers.ts'

/** How often it is checked whether the caller may still have the file, and takes it. */
const CHECK_MS = 2500
const MAX_STALL_MS = 60_000
/** An increment that is being read cannot be pruned. */
const MAX_DOWNLOAD_MS = 12 * 3_600_000

/** Sends a file of a backup to whoever has its address, which `File.downloadUrl` gives out. */
export function addDownloadRoute(app: FastifyInstance, world: World, callers: Callers): void {
  const config = { access: 'ticket' } as const
  // Not Fastify's own HEAD, which would read the whole file, and say that it is empty.
  app.route({ method: ['GET', 'HEAD'], url: '/download/*', exposeHeadRoute: false, config, handler })

  async function handler(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const ticket = readTicket(world, request)
    const { method, headers, raw } = request
    const principal = callers.identifyTicket(raw, ticket.credentials)
    const own = asCaller(world, makeCaller(principal, 'download', callers.senders.find(raw).address))
    const isHead = method === 'HEAD'
    using leaving = watchLeaving(reply)
    try {
      const answer = await download(own, ticket, {
        range: isHead ? undefined : headers.range,
        ifRange: oneOf(headers['if-range']),
        signal: leaving.signal,
        deliver: (file) =>
          deliver(reply, file, {
            isHead,
            isCurrent: () => callers.isCurrent(principal),
            server: ticket.server,
          }),
      })
      if (isRefused(answer)) throw new BackupdError(answer.refused, answer.message, { facts: answer.facts })
    } catch (error) {
      if (!reply.raw.headersSent && !reply.raw.destroyed) throw error
      const { server, backup, snapshot, path } = ticket
      world.log.warn({ server, backup, snapshot, path }, `A download broke off: ${messageOf(error)}`)
    }
    return reply
  }
}

/** Its signal is aborted when the client leaves. */
function watchLeaving({ raw }: FastifyReply): Disposable & { signal: AbortSignal } {
  const leaving = new AbortController()
  const leave = () => leaving.abort(clientLeft())
  raw.once('close', leave)
  return { signal: leaving.signal, [Symbol.dispose]: () => raw.off('close', leave) }
}

function clientLeft(): BackupdError {
  return new BackupdError('CANCELLED', 'The client left before all of the file was sent')
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
    'This address does not work: it is altered or older than ten minutes, or the controller was restarted. Ask for the downloadUrl of the file again'
  throw new BackupdError('NOT_FOUND', message)
}

interface Delivery {
  isHead: boolean
  /** Whether the caller may still have it. */
  isCurrent(): boolean
  /** For errors. */
  server: string
}

/** Resolves when all of it was sent. Rejects if the client went away, or if the daemon broke off. */
async function deliver(reply: FastifyReply, file: DeliveredFile, delivery: Delivery): Promise<void> {
  const { head, content, name, tag } = file
  const { size, span, isPart } = head
  let broken = false
  content.once('error', () => {
    // Once the client is gone, the content ends with it.
    broken = !reply.raw.destroyed
  })
  try {
    reply.headers({
      ...DOWNLOAD_HEADERS,
      'accept-ranges': tag === undefined ? 'none' : 'bytes',
      'content-disposition': describeAttachment(name),
      ...(tag !== undefined && { etag: tag }),
      ...(isPart && { 'content-range': `bytes ${span ? `${span.from}-${span.end - 1}` : '*'}/${size}` }),
    })
    if (!span) {
      printJson(reply.code(416), `The file has ${size} bytes, and none of those that Range asks for`)
      return
    }
    reply.code(isPart ? 206 : 200).type('application/octet-stream')
    reply.header('content-length', span.end - span.from)
    if (delivery.isHead) {
      reply.send()
      return
    }
    await sendContent(reply, file, delivery)
    if (broken) throw brokeOff(delivery.server)
  } catch (error) {
    throw broken ? brokeOff(delivery.server) : error
  } finally {
    content.destroy()
  }
}

/** Sends the content as fast as the client takes it. Rejects if the client leaves, stops taking it, or may not have it any more. */
async function sendContent(
  reply: FastifyReply,
  { content }: DeliveredFile,
  { isCurrent }: Delivery,
): Promise<void> {
  const { raw } = reply
  let reason = clientLeft()
  let [sent, sentAt, checks] = [raw.socket?.bytesWritten, 0, 0]
  const check = () => {
    checks += 1
    if (raw.socket?.bytesWritten !== sent) [sent, sentAt] = [raw.socket?.bytesWritten, checks]
    const isStalled = (checks - sentAt) * CHECK_MS >= MAX_STALL_MS || checks * CHECK_MS >= MAX_DOWNLOAD_MS
    if (isCurrent() && !isStalled) return
    reason = isStalled ? clientStalled() : accessEnded()
    raw.destroy()
  }
  const checking = setInterval(check, CHECK_MS)
  try {
    reply.send(content)
    await finished(raw)
  } catch {
    throw reason
  } finally {
    clearInterval(checking)
  }
}

function clientStalled(): BackupdError {
  return new BackupdError(
    'TIMED_OUT',
    'The client took nothing for a minute, or took longer than twelve hours',
  )
}

function brokeOff(server: string): BackupdError {
  const message = `The daemon on ${server}, or the one that read for it, broke off: its log says why`
  return new BackupdError('DAEMON_UNREACHABLE', message, { facts: { server } })
}
