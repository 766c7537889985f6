import { Readable } from 'node:stream'
import { setImmediate as eventLoopTurn } from 'node:timers/promises'
import type { FastifyReply } from 'fastify'
import { sendJson } from '../http/app.ts'
import type { JsonElements } from '../rest-compat/json-elements.ts'

/** Characters that are sent at a time. */
const PIECE_SIZE = 64 * 1024
/** How long elements may be made before timers and sockets get their turn. */
const MAX_BLOCKING_MS = 10

/**
 * Sends a short list as one body, a longer one in pieces, as fast as the client reads. Rejects if the first piece cannot
 * be made; after that, an error can only break off the connection.
 */
export async function sendElements(reply: FastifyReply, body: JsonElements): Promise<FastifyReply> {
  const pieces = printPieces(body)
  const { value: first = '' } = await pieces.next()
  const second = await pieces.next()
  if (second.done) return sendJson(reply, first)
  return sendJson(reply, Readable.from(chain([first, second.value], pieces)))
}

async function* chain(first: string[], rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield* first
  yield* rest
}

async function* printPieces({ brackets: [open, close], elements }: JsonElements): AsyncGenerator<string> {
  let text = open ?? ''
  let separator = ''
  let turned = performance.now()
  for await (const element of elements) {
    text += separator + element
    separator = ','
    if (text.length >= PIECE_SIZE) {
      yield text
      text = ''
    }
    if (performance.now() - turned < MAX_BLOCKING_MS) continue
    await eventLoopTurn()
    turned = performance.now()
  }
  yield text + close
}
