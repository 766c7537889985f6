import { Pool } from 'undici'

/** To one daemon. */
const MAX_CONNECTIONS = 8
/** Longer than the time between two polls, so that a daemon that answers keeps its connection. */
const IDLE_MS = 60_000

interface OpenPool {
  pool: Pool
  /** Requests that have not ended. */
  active: number
  /** Ends an idle pool. */
  idle: NodeJS.Timeout | undefined
}

/**
 * A few persistent connections to each daemon. A pool takes 20 KiB, so that of a daemon that is no longer asked, or whose
 * answers never came, is closed.
 */
export class DaemonPools {
  readonly #pools = new Map<string, OpenPool>()
  readonly #connectTimeoutMs: number

  constructor(connectTimeoutMs: number) {
    this.#connectTimeoutMs = connectTimeoutMs
  }

  /** How many are open. */
  get size(): number {
    return this.#pools.size
  }

  /** Calls `work` with connections to `origin`, which stay open until its promise is settled. */
  async use<T>(origin: string, work: (pool: Pool) => Promise<T>): Promise<T> {
    const open = this.#open(origin)
    open.active += 1
    clearTimeout(open.idle)
    try {
      return await work(open.pool)
    } finally {
      open.active -= 1
      if (open.active === 0 && this.#pools.get(origin) === open) this.#closeWhenIdle(origin, open)
    }
  }

  /** Also ends the requests that have not ended. */
  async destroy(): Promise<void> {
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    for (const { idle } of pools) clearTimeout(idle)
    await Promise.all(pools.map(({ pool }) => pool.destroy()))
  }

  #open(origin: string): OpenPool {
    const known = this.#pools.get(origin)
    if (known) return known
    const connect = { timeout: this.#connectTimeoutMs }
    const pool = new Pool(origin, { connections: MAX_CONNECTIONS, connect })
    const open: OpenPool = { pool, active: 0, idle: undefined }
    this.#pools.set(origin, open)
    return open
  }

  #closeWhenIdle(origin: string, open: OpenPool): void {
    open.idle = setTimeout(() => {
      this.#pools.delete(origin)
      // A connection that is broken already has nothing left to close.
      open.pool.destroy().catch(() => {})
    }, IDLE_MS).unref()
  }
}
