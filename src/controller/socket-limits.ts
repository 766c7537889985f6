import { GraphQLError } from 'graphql'
import type { SubscribePayload } from 'graphql-ws'

/** What one WebSocket, and all of them together, may hold; sizes are characters of JSON. */
export const SOCKET_LIMITS = {
  /** The payload of `connection_init`. Nothing in it is used. */
  initPayload: 4096,
  /** Operations of one socket that have not ended. */
  operations: 100,
  /** Variables of one operation. */
  variables: 16 * 1024,
  /** Documents and variables of one socket's operations. */
  held: 64 * 1024,
  /** The same of all sockets: a document in memory takes up to a hundred times its size. */
  heldByAll: 8 * 1024 * 1024,
}

/** One connection: the library's context. */
type Connection = { readonly subscriptions: Record<string, unknown> }

/** Counts what the operations of all sockets hold until they end. */
export class SocketLimits {
  readonly #operations = new Map<Connection, Map<string, number>>()
  #held = 0

  /** Notes an operation that begins, or says why it may not. */
  begin(connection: Connection, id: string, payload: SubscribePayload): GraphQLError | undefined {
    const operations = this.#operationsOf(connection)
    const size = JSON.stringify(payload).length
    const reason =
      reasonAgainst(payload, size, operations) ??
      (this.#held + size > SOCKET_LIMITS.heldByAll
        ? `All WebSockets together hold more than ${SOCKET_LIMITS.heldByAll} characters of operations: try again later`
        : undefined)
    if (reason !== undefined) return new GraphQLError(reason, { extensions: { code: 'TOO_COSTLY' } })
    operations.set(id, size)
    this.#held += size
    return undefined
  }

  /** An operation that has ended, or never began. */
  end(connection: Connection, id: string): void {
    const operations = this.#operations.get(connection)
    this.#held -= operations?.get(id) ?? 0
    operations?.delete(id)
  }

  close(connection: Connection): void {
    for (const id of [...(this.#operations.get(connection)?.keys() ?? [])]) this.end(connection, id)
    this.#operations.delete(connection)
  }

  #operationsOf(connection: Connection): Map<string, number> {
    const operations = this.#operations.get(connection) ?? new Map<string, number>()
    this.#operations.set(connection, operations)
    for (const id of [...operations.keys()]) if (!(id in connection.subscriptions)) this.end(connection, id)
    return operations
  }
}

function reasonAgainst(
  { variables }: SubscribePayload,
  size: number,
  operations: ReadonlyMap<string, number>,
): string | undefined {
  const { operations: most, variables: largest, held } = SOCKET_LIMITS
  if (operations.size >= most)
    return `This WebSocket has ${most} operations already: complete one, or open another WebSocket`
  if (JSON.stringify(variables ?? {}).length > largest)
    return `The variables are longer than ${largest} characters: send less at once, or use HTTP`
  const sum = [...operations.values()].reduce((all, one) => all + one, size)
  if (sum > held)
    return `The operations of this WebSocket are longer than ${held} characters together: complete one, or use HTTP`
  return undefined
}

/** Why a `connection_init` is refused; fits the reason of a close frame. */
export function initProblem(payload: unknown): string | undefined {
  if (JSON.stringify(payload ?? {}).length <= SOCKET_LIMITS.initPayload) return undefined
  return `The payload of connection_init is longer than ${SOCKET_LIMITS.initPayload} characters: leave it out`
}
