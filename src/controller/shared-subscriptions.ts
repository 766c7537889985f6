import { createHash } from 'node:crypto'
import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
} from 'graphql'
import type { WebSocket } from 'ws'
import { type Caller, makeCaller, makeReader } from '../domain/access/principal.ts'
import type { Scope } from '../domain/access/scope.ts'
import type { Context } from '../resolvers/context.ts'
import type { GraphQLParts } from './apollo.ts'
import { formatError } from './format-error.ts'
import { SendTurns } from './send-turns.ts'
import type { SocketDocument } from './socket-documents.ts'
import { SOCKET_LIMITS } from './socket-limits.ts'

export interface SharedParts extends GraphQLParts {
  makeContext(caller: Caller): Context
}

/** An operation of a client, and where its answers go. */
export interface SocketOperation extends ExecutionArgs {
  /** Its id in the messages of its socket. */
  id: string
  socket: WebSocket
  /** What the client may see. */
  scope: Scope
  prepared: SocketDocument
}

/** While a socket has more unsent bytes than this, nothing is sent to it. */
const MAX_UNSENT = 64 * 1024

/**
 * Subscriptions over WebSockets. Each has its own stream of events. The answer for an event is computed and printed once
 * for all subscriptions that ask for the same.
 */
export class SharedSubscriptions {
  readonly #parts: SharedParts
  /** The payloads for an event, by key. */
  readonly #payloads = new WeakMap<object, Map<string, Promise<string>>>()
  readonly #turns = new SendTurns()
  /**
   * Those that have not ended. The library forgets a subscription whose id is that of one that its client has just
   * completed: it would never end it, and it does not count.
   */
  readonly #senders = new Map<WebSocket, Set<PayloadSender>>()

  constructor(parts: SharedParts) {
    this.#parts = parts
  }

  /** The iterable yields nothing: it sends to the socket, and ends with the subscription. */
  async subscribe(operation: SocketOperation): Promise<AsyncIterableIterator<never> | ExecutionResult> {
    const count = this.#senders.get(operation.socket)?.size ?? 0
    if (count >= SOCKET_LIMITS.operations) return { errors: [tooManySubscriptions()] }
    const events = await createSourceEventStream(operation)
    if (!isAsyncIterable(events)) return events
    const key = makeKey(operation)
    const sender = new PayloadSender(operation, events, {
      turns: this.#turns,
      makePayload: (event) => this.#sharePayload(event as object, key, operation),
      onEnd: () => this.#remove(operation.socket, sender),
    })
    const senders = this.#senders.get(operation.socket) ?? new Set()
    this.#senders.set(operation.socket, senders.add(sender))
    return sender
  }

  /** Ends all subscriptions of a socket that has closed. */
  close(socket: WebSocket): void {
    for (const sender of this.#senders.get(socket) ?? []) void sender.return()
  }

  #remove(socket: WebSocket, sender: PayloadSender): void {
    const senders = this.#senders.get(socket)
    senders?.delete(sender)
    if (senders?.size === 0) this.#senders.delete(socket)
  }

  #sharePayload(event: object, key: string, operation: SocketOperation): Promise<string> {
    const ofEvent = this.#payloads.get(event) ?? new Map<string, Promise<string>>()
    this.#payloads.set(event, ofEvent)
    const payload = ofEvent.get(key) ?? this.#makePayload(event, operation)
    ofEvent.set(key, payload)
    return payload
  }

  async #makePayload(event: object, operation: SocketOperation): Promise<string> {
    const { schema, document, operationName, variableValues, scope } = operation
    const { makeContext, log } = this.#parts
    // The context is that of no client, because all who may see the same get the same.
    const contextValue = makeContext(makeCaller(makeReader(scope), 'graphql-ws'))
    const args = { schema, document, operationName, variableValues, rootValue: event, contextValue }
    const { errors, ...result } = await execute(args)
    return JSON.stringify({ ...result, errors: errors?.map((error) => formatError(error, log)) })
  }
}

/** The same for operations that get the same for each event: what a caller may see counts, and nothing else of the caller. */
function makeKey({ prepared, operationName, variableValues, scope }: SocketOperation): string {
  const { resultText, resultVariables } = prepared
  const given = Object.entries(variableValues ?? {}).filter(([name]) => resultVariables.includes(name))
  const parts = [
    scope.key,
    resultText,
    operationName ?? null,
    given.sort(([one], [other]) => (one < other ? -1 : 1)),
  ]
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64')
}

function tooManySubscriptions(): GraphQLError {
  const message = `This WebSocket has ${SOCKET_LIMITS.operations} subscriptions already: complete one, or open another WebSocket`
  return new GraphQLError(message, { extensions: { code: 'TOO_COSTLY' } })
}

function isAsyncIterable(value: object): value is AsyncIterable<unknown> {
  return Symbol.asyncIterator in value
}

interface Sending {
  turns: SendTurns
  makePayload(event: unknown): Promise<string>
  /** May be called more than once. */
  onEnd(): void
}

/** Sends payloads to one socket in order, each once the socket has room: a slow one delays no other. */
class PayloadSender implements AsyncIterableIterator<never> {
  readonly #socket: WebSocket
  readonly #messageStart: string
  readonly #events: AsyncIterator<unknown>
  readonly #sending: Sending
  #ended = false

  constructor({ socket, id }: SocketOperation, events: AsyncIterable<unknown>, sending: Sending) {
    this.#socket = socket
    this.#messageStart = `{"id":${JSON.stringify(id)},"type":"next","payload":`
    this.#events = events[Symbol.asyncIterator]()
    this.#sending = sending
  }

  async next(): Promise<IteratorReturnResult<undefined>> {
    try {
      for (
        let { value, done } = await this.#events.next();
        !done;
        { value, done } = await this.#events.next()
      ) {
        await this.#sending.turns.pass()
        const payload = await this.#sending.makePayload(value)
        await this.#sending.turns.pass()
        if (this.#ended || this.#socket.readyState !== this.#socket.OPEN) break
        await this.#send(`${this.#messageStart}${payload}}`)
      }
    } finally {
      await this.return()
    }
    return { value: undefined, done: true }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#ended = true
    this.#sending.onEnd()
    await this.#events.return?.()
    return { value: undefined, done: true }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #send(message: string): Promise<void> | undefined {
    if (this.#socket.bufferedAmount < MAX_UNSENT) {
      this.#socket.send(message)
      return undefined
    }
    // Also called if the socket closes.
    return new Promise((resolve) => this.#socket.send(message, () => resolve()))
  }
}
