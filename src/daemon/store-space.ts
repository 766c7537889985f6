import { z } from 'zod'
import { messageOf } from '../lib/errors.ts'
import type { DaemonDebug } from '../wire/daemon-api.ts'

const spaceSchema = z.object({
  freeBytes: z.number(),
  totalBytes: z.number(),
  trashBytes: z.number().nullable(),
  quota: z.object({ usedBytes: z.number(), limitBytes: z.number() }).nullable(),
  problems: z.array(z.string()),
})

/** How long an answer is good for. */
const FRESH_MS = 30_000

/** The store's room as it was last seen: asking never waits for the store, it only has it looked up again. */
export class StoreSpace {
  readonly #ask: () => Promise<unknown>
  readonly #driver: string
  #known: NonNullable<DaemonDebug['store']>
  #problems: string[] = []
  #askedAt = Number.NEGATIVE_INFINITY

  /** @param ask the store_space query */
  constructor(driver: string, ask: () => Promise<unknown>) {
    this.#driver = driver
    this.#ask = ask
    this.#known = {
      ...{ driver, freeBytes: null, totalBytes: null, error: null },
      ...{ trashBytes: null, quota: null },
    }
  }

  /** What an operator should see to, as it was last seen. */
  get problems(): readonly string[] {
    return this.#problems
  }

  get(): NonNullable<DaemonDebug['store']> {
    if (performance.now() - this.#askedAt >= FRESH_MS) void this.#refresh()
    return this.#known
  }

  async #refresh(): Promise<void> {
    this.#askedAt = performance.now()
    try {
      const { problems, ...room } = spaceSchema.parse(await this.#ask())
      this.#known = { driver: this.#driver, ...room, error: null }
      this.#problems = problems
    } catch (error) {
      this.#known = { ...this.#known, error: messageOf(error) }
    }
  }
}
