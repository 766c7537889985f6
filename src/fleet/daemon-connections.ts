import { type buildConnector, Client } from 'undici'

/** To one daemon. More requests wait in undici. */
const MAX_CONNECTIONS = 8
/** Longer than the time between two polls, so that a daemon that answers keeps its connection. */
const IDLE_MS = 60_000

interface Connection {
  client: Client
  /** Requests that have not ended. */
  active: number
  /** Ends an idle connection. */
  idle: NodeJS.Timeout | undefined
}

/**
 * The connections to daemons: one stays open to each that is asked, more while several requests are under way. A connection
 * that is idle for a minute is closed. A Pool of undici would keep all of them, and takes 16 KiB besides.
 */
export class DaemonConnections {
  /** Of each daemon that has any. */
  readonly #open = new Map<string, Connection[]>()
  /** Each for one long answer, by daemon. */
  readonly #own = new Map<string, Set<Client>>()
  readonly #connectTimeoutMs: number

  constructor(connectTimeoutMs: number) {
    this.#connectTimeoutMs = connectTimeoutMs
  }

  /** How many exist. */
  get size(): number {
    return this.#open.values().reduce((sum, { length }) => sum + length, 0)
  }

  /**
   * Calls `work` with a connection to `origin`, which is not closed until its promise is settled.
   * @param connector opens new ones; by default over plain HTTP
   */
  async use<T>(
    origin: string,
    work: (client: Client) => Promise<T>,
    connector?: buildConnector.connector,
  ): Promise<T> {
    const connection = this.#choose(origin, connector)
    connection.active += 1
    clearTimeout(connection.idle)
    try {
      return await work(connection.client)
    } finally {
      connection.active -= 1
      if (connection.active === 0) this.#keepOne(origin, connection)
    }
  }

  /** Opens a connection for one answer that may take hours: no other question waits for it. Close it with closeOwn(). */
  openOwn(origin: string, connector?: buildConnector.connector): Client {
    const client = this.#makeClient(origin, connector)
    const own = this.#own.get(origin) ?? new Set()
    this.#own.set(origin, own.add(client))
    return client
  }

  closeOwn(origin: string, client: Client): void {
    const own = this.#own.get(origin)
    own?.delete(client)
    if (own?.size === 0) this.#own.delete(origin)
    client.destroy().catch(() => {})
  }

  /** Closes all connections to `origin`, with their requests. */
  end(origin: string): void {
    for (const client of this.#own.get(origin) ?? []) this.closeOwn(origin, client)
    const connections = this.#open.get(origin) ?? []
    this.#open.delete(origin)
    for (const { client, idle } of connections) {
      clearTimeout(idle)
      client.destroy().catch(() => {})
    }
  }

  /** Also ends the requests that have not ended. */
  async destroy(): Promise<void> {
    for (const [origin, own] of this.#own) for (const client of own) this.closeOwn(origin, client)
    const all = [...this.#open.values()].flat()
    this.#open.clear()
    for (const { idle } of all) clearTimeout(idle)
    await Promise.all(all.map(({ client }) => client.destroy()))
  }

  /** One that is idle, a new one, or the one with the fewest requests. */
  #choose(origin: string, connector?: buildConnector.connector): Connection {
    const connections = this.#open.get(origin) ?? []
    const [first] = connections.toSorted((a, b) => a.active - b.active)
    if (first && (first.active === 0 || connections.length >= MAX_CONNECTIONS)) return first
    const client = this.#makeClient(origin, connector)
    const added = { client, active: 0, idle: undefined }
    this.#open.set(origin, [...connections, added])
    return added
  }

  #makeClient(origin: string, connector?: buildConnector.connector): Client {
    return new Client(origin, { connect: connector ?? { timeout: this.#connectTimeoutMs } })
  }

  #keepOne(origin: string, connection: Connection): void {
    const connections = this.#open.get(origin) ?? []
    if (!connections.includes(connection)) return
    const isSpare = connections.some((other) => other !== connection && other.active === 0)
    if (isSpare) this.#close(origin, connection)
    else connection.idle = setTimeout(() => this.#close(origin, connection), IDLE_MS).unref()
  }

  #close(origin: string, connection: Connection): void {
    const rest = this.#open.get(origin)?.filter((other) => other !== connection) ?? []
    if (rest.length === 0) this.#open.delete(origin)
    else this.#open.set(origin, rest)
    // One that is broken already has nothing left to close.
    connection.client.destroy().catch(() => {})
  }
}
