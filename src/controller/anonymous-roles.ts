import { type AnonymousPrincipal, type AnonymousRole, makeAnonymous } from '../domain/access/principal.ts'
import type { Grant } from '../domain/access/roles.ts'
import { AddressRanges, type Cidr } from '../lib/cidr.ts'
import type { RequestSender } from './request-senders.ts'

/** What callers from some addresses may do without a token. */
export interface AnonymousRange {
  readonly range: Cidr
  readonly grant: Grant
}

const NOBODY = makeAnonymous('none')

/** What callers without a token may do: all of them, and by their addresses. */
export class AnonymousRoles {
  readonly #role: AnonymousRole
  readonly #rules: readonly { ranges: AddressRanges; grant: Grant }[]
  /** By the rules that count. Ranges contain each other or have nothing in common, so there are few. */
  readonly #known = new Map<string, AnonymousPrincipal>()

  /** @param role of every caller */
  constructor(role: AnonymousRole, ranges: readonly AnonymousRange[]) {
    this.#role = role
    this.#rules = ranges.map(({ range, grant }) => ({ ranges: new AddressRanges([range]), grant }))
  }

  /** All that the address gives together; nothing if it is not known for whom a request was forwarded. */
  find({ address, isUnproven }: RequestSender): AnonymousPrincipal {
    if (isUnproven) return NOBODY
    const found = this.#rules.flatMap(({ ranges, grant }, at) => (ranges.has(address) ? [{ at, grant }] : []))
    const key = found.map(({ at }) => at).join()
    const grants = found.map(({ grant }) => grant)
    const principal = this.#known.get(key) ?? makeAnonymous(this.#role, grants)
    this.#known.set(key, principal)
    return principal
  }
}
