import { z } from 'zod'
import type { Clock } from '../lib/clock.ts'
import { messageOf } from '../lib/errors.ts'
import type { Problems } from '../lib/problems.ts'
import type { DaemonDebug } from '../wire/daemon-api.ts'
import { deletedRoomSchema } from '../wire/hidden.ts'

const spaceSchema = z.object({
  freeBytes: z.number().nullable(),
  totalBytes: z.number().nullable(),
  trashBytes: z.number().nullable(),
  quota: z.object({ usedBytes: z.number(), limitBytes: z.number() }).nullable(),
  deletedRoom: deletedRoomSchema,
  problems: z.array(z.string()),
})

/** How long an answer counts as fresh. */
const MAX_AGE_MS = 30_000

const SOURCE = 'store'

export interface StoreSpaceOptions {
  driver: string
  /** See `store` of wire/daemon-api.ts; undefined if no other server can have the store. */
  place?: string | undefined
  problems: Problems
  clock: Clock
  /** Runs the plugin store_space. */
  ask(): Promise<unknown>
}

/** The last known space of the store. `get` never waits for the store; it only starts a refresh. */
export class KnownSpace {
  readonly #options: StoreSpaceOptions
  #known: NonNullable<DaemonDebug['store']>
  #askedAt = Number.NEGATIVE_INFINITY
  #versions: boolean | null = null

  constructor(options: StoreSpaceOptions) {
    this.#options = options
    const { driver, place } = options
    this.#known = {
      driver,
      ...(place !== undefined && { place }),
      freeBytes: null,
      totalBytes: null,
      error: null,
      trashBytes: null,
      quota: null,
      deletedRoom: null,
    }
  }

  get(): NonNullable<DaemonDebug['store']> {
    if (this.#options.clock.elapsed() - this.#askedAt >= MAX_AGE_MS) void this.#refresh()
    return { ...this.#known, ...(this.#versions !== null && { versions: this.#versions }) }
  }

  /** Whether the store keeps what is deleted as versions, as the claim found; null if it is not known. */
  noteVersions(versions: boolean | null): void {
    this.#versions = versions
  }

  async #refresh(): Promise<void> {
    const { ask, problems: board } = this.#options
    this.#askedAt = this.#options.clock.elapsed()
    try {
      const { problems, ...room } = spaceSchema.parse(await ask())
      this.#known = { ...this.#known, ...room, error: null }
      board.replace(
        SOURCE,
        problems.map((text, at) => ({ key: `room ${at}`, text })),
      )
    } catch (error) {
      this.#known = { ...this.#known, error: messageOf(error) }
      board.report({ source: SOURCE, key: 'error', text: `The store cannot be used: ${messageOf(error)}` })
    }
  }
}
