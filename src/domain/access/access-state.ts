import { AccessDigest } from './access-digest.ts'

/** What the catalog remembers of access. */
export interface AccessStore {
  /** false: the catalog is from before tokens, and nobody has closed it since. */
  readonly isEnforced: boolean
  /** From now on, also after a restart, callers without a token may do nothing. */
  enforce(): Promise<void>
}

/** Requests without a token of one kind. */
export interface AnonymousUse {
  address: string
  /** `POST /graphql`, or the pattern of a legacy URL. */
  request: string
  count: number
  /** Unix ms. */
  lastAt: number
}

export const MAX_USES = 1000

/** Whether callers without a token are answered by default, and who they were. */
export class AccessState {
  /** For the audit. */
  readonly digest = new AccessDigest()
  readonly #store: AccessStore
  readonly #uses = new Map<string, AnonymousUse>()
  #isEnforced: boolean

  constructor(store: AccessStore) {
    this.#store = store
    this.#isEnforced = store.isEnforced
  }

  get isEnforced(): boolean {
    return this.#isEnforced
  }

  async enforce(): Promise<void> {
    await this.#store.enforce()
    this.#isEnforced = true
  }

  /** Notes a request without a token that was answered. The ones longest ago are forgotten first. */
  noteAnonymous(address: string, request: string, now: number): void {
    const key = `${address} ${request}`
    const known = this.#uses.get(key)
    this.#uses.delete(key)
    this.#uses.set(key, { address, request, count: (known?.count ?? 0) + 1, lastAt: now })
    const [oldest] = this.#uses.keys()
    if (this.#uses.size > MAX_USES && oldest !== undefined) this.#uses.delete(oldest)
  }

  /** Since the start, the last one first. */
  listAnonymous(): AnonymousUse[] {
    return [...this.#uses.values()].reverse()
  }
}
