import { GraphQLError } from 'graphql'
import type { SubscribePayload } from 'graphql-ws'

/** Limits of one WebSocket and of all together; sizes are characters of JSON. */
export const SOCKET_LIMITS = {
  /** The payload of `connection_init`, in which a token may be. */
  initPayload: 4096,
  /** Open operations of one socket. */
  operations: 100,
  /** Variables of one operation. */
  variables: 16 * 1024,
  /** Documents and variables of the open operations of one socket. */
  held: 64 * 1024,
  /** The same for all sockets. A parsed document takes up to a hundred times its size in memory. */
  heldByAll: 8 * 1024 * 1024,
}

/** One connection: the library's context. */
type Connection = { readonly subscriptions: Record<string, unknown> }

/** Counts the size of the open operations of all sockets. */
export class SocketLimits {
  readonly #operations = new Map<Connection, Map<string, number>>()
  #held = 0

  /** Counts a new operation, or returns why it is refused. */
  begin(connection: Connection, id: string, payload: SubscribePayload): GraphQLError | undefined {
    const operations = this.#readOperations(connection)
    const size = measureJson(payload)
    const reason =
      findExceededLimit(payload, size, operations) ??
      (this.#held + size > SOCKET_LIMITS.heldByAll
        ? `All WebSockets together hold more than ${SOCKET_LIMITS.heldByAll} characters of operations: try again later`
        : undefined)
    if (reason !== undefined) return new GraphQLError(reason, { extensions: { code: 'TOO_COSTLY' } })
    operations.set(id, size)
    this.#held += size
    return undefined
  }

  /** Call it for an operation that has ended; harmless for one that never began. */
  end(connection: Connection, id: string): void {
    const operations = this.#operations.get(connection)
    this.#held -= operations?.get(id) ?? 0
    operations?.delete(id)
  }

  close(connection: Connection): void {
    for (const id of [...(this.#operations.get(connection)?.keys() ?? [])]) this.end(connection, id)
    this.#operations.delete(connection)
  }

  #readOperations(connection: Connection): Map<string, number> {
    const operations = this.#operations.get(connection) ?? new Map<string, number>()
    this.#operations.set(connection, operations)
    for (const id of [...operations.keys()]) if (!(id in connection.subscriptions)) this.end(connection, id)
    return operations
  }
}

function findExceededLimit(
  { variables }: SubscribePayload,
  size: number,
  operations: ReadonlyMap<string, number>,
): string | undefined {
  const { operations: most, variables: largest, held } = SOCKET_LIMITS
  if (operations.size >= most)
    return `This WebSocket has ${most} operations already: complete one, or open another WebSocket`
  if (measureJson(variables ?? {}) > largest)
    return `The variables are longer than ${largest} characters: send less at once, or use HTTP`
  const sum = [...operations.values()].reduce((all, one) => all + one, size)
  if (sum > held)
    return `The operations of this WebSocket are longer than ${held} characters together: complete one, or use HTTP`
  return undefined
}

/** Why a `connection_init` is refused; short enough for the reason of a close frame. */
export function findInitProblem(payload: unknown): string | undefined {
  if (measureJson(payload ?? {}) <= SOCKET_LIMITS.initPayload) return undefined
  return `The payload of connection_init is longer than ${SOCKET_LIMITS.initPayload} characters: send a token at most`
}

/** The length of the value as JSON; infinite if it is nested too deeply to be printed. */
function measureJson(value: unknown): number {
  try {
    return JSON.stringify(value).length
  } catch (error) {
    if (error instanceof RangeError) return Number.POSITIVE_INFINITY
    throw error
  }
}
