// Which daemons have a certificate, and which join tokens are open. The verbs are in ../enrolments.ts. The list of keys that
// count takes the place of a list of revoked certificates: what is not in it is refused, also if the list is lost.

import { BackupdError } from '../../lib/errors.ts'
import type {
  Enrolment,
  EnrolmentMark,
  EnrolmentState,
  EnrolmentStore,
  Invitation,
} from '../enrolment-ports.ts'

export type EnrolmentKind = 'none' | 'enrolled' | 'revoked'

const NO_STORE: EnrolmentStore = {
  load: async () => ({ servers: [], invitations: [] }),
  save: async () => {},
}

const NO_MARK: EnrolmentMark = { isSet: false, set: async () => {} }

/** All enrolments, in memory: each connection and each post looks here. A change is stored first, except a revocation. */
export class EnrolmentBook {
  readonly #store: EnrolmentStore
  readonly #mark: EnrolmentMark
  #servers = new Map<string, Enrolment>()
  #invitations = new Map<string, Invitation>()
  readonly #listeners: ((ip: string) => void)[] = []
  #writing: Promise<unknown> = Promise.resolve()
  /** Servers whose certificate is being renewed. */
  readonly #renewing = new Set<string>()

  constructor(store: EnrolmentStore = NO_STORE, mark: EnrolmentMark = NO_MARK) {
    this.#store = store
    this.#mark = mark
  }

  async load(): Promise<void> {
    const { servers, invitations } = await this.#store.load()
    this.#servers = new Map(servers.map((server) => [server.ip, server]))
    this.#invitations = new Map(invitations.map((invitation) => [invitation.id, invitation]))
    // Of an earlier version. If it fails, the next start or enrolment tries again.
    if (servers.length > 0) await this.#mark.set().catch(() => {})
  }

  /** Whether any daemon ever had a certificate: from then on, plain HTTP needs `--legacy-peer`. */
  get isUsed(): boolean {
    return this.#servers.size > 0 || this.#mark.isSet
  }

  /** Daemons were enrolled, and the list of them has none. */
  get isListLost(): boolean {
    return this.#servers.size === 0 && this.#mark.isSet
  }

  /** Join tokens that can still be used at `now`, unix ms. */
  countOpenInvitations(now: number): number {
    return [...this.#invitations.values()].filter(
      ({ usedBy, expiresAt }) => usedBy === null && Date.parse(expiresAt) > now,
    ).length
  }

  list(): Enrolment[] {
    return [...this.#servers.values()]
  }

  get(ip: string): Enrolment | undefined {
    return this.#servers.get(ip)
  }

  kindOf(ip: string): EnrolmentKind {
    const known = this.#servers.get(ip)
    if (!known) return 'none'
    return known.keyHash === null ? 'revoked' : 'enrolled'
  }

  /** Whether this is the key of the daemon on that server. */
  isCurrent(ip: string, keyHash: string): boolean {
    return this.#servers.get(ip)?.keyHash === keyHash
  }

  invitation(id: string): Invitation | undefined {
    return this.#invitations.get(id)
  }

  /** Calls `act` when the key of a server is no longer the one that it was. */
  onChange(act: (ip: string) => void): void {
    this.#listeners.push(act)
  }

  /** Runs changes one after the other, so that two requests with one join token cannot both win. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#writing.then(work)
    this.#writing = done.catch(() => {})
    return done
  }

  /**
   * Runs a renewal inTurn, one at a time for each server: all else waits for what is in the queue, a revocation too.
   * Throws OVERLOADED if another one of the server waits.
   */
  async renewOnce<T>(ip: string, work: () => Promise<T>): Promise<T> {
    if (this.#renewing.has(ip))
      throw new BackupdError('OVERLOADED', `The certificate of ${ip} is being renewed already`)
    this.#renewing.add(ip)
    try {
      return await this.inTurn(work)
    } finally {
      this.#renewing.delete(ip)
    }
  }

  /** Call it inTurn. Forgets join tokens that expired before `now`, unix ms. */
  async addInvitation(invitation: Invitation, now: number): Promise<void> {
    const open = [...this.#invitations.values()].filter(({ expiresAt }) => Date.parse(expiresAt) > now)
    await this.#save({ invitations: [...open, invitation] })
  }

  /**
   * Call it inTurn. An enrolment ends all other join tokens of the server: with one of them, the daemon whose place was
   * taken could come back. @param used the invitation, as it is from now on
   */
  async setServer(server: Enrolment, used?: Invitation): Promise<void> {
    await this.#mark.set()
    const before = this.#servers.get(server.ip)?.keyHash
    const others = [...this.#invitations.values()].filter(
      ({ id, ip }) => id !== used?.id && !(used && ip === server.ip),
    )
    const invitations = used ? [...others, used] : others
    await this.#save({ servers: [...new Map(this.#servers).set(server.ip, server).values()], invitations })
    if (before !== server.keyHash) this.#tell(server.ip)
  }

  /** Call it inTurn. @param keyHash of the daemon that said which authorities it trusts */
  async noteTrusts(ip: string, keyHash: string, trusts: readonly string[] | undefined): Promise<void> {
    const known = this.#servers.get(ip)
    if (!known || known.keyHash !== keyHash) return
    await this.#save({ servers: [...new Map(this.#servers).set(ip, { ...known, trusts }).values()] })
  }

  /** Call it inTurn. The earliest time of all daemons of that server counts. */
  async noteSigning(ip: string, signsSince: string): Promise<void> {
    const known = this.#servers.get(ip)
    if (!known || !isEarlier(signsSince, known.signsSince)) return
    await this.#save({ servers: [...new Map(this.#servers).set(ip, { ...known, signsSince }).values()] })
  }

  /** Call it inTurn. Counts at once; if it cannot be stored, it rejects, and can be called again. */
  async revoke(ip: string): Promise<void> {
    const known = this.#servers.get(ip)
    if (!known) return
    this.#servers.set(ip, { ...known, keyHash: null })
    // A token that was given out before would let the same machine back in.
    for (const one of this.#invitations.values()) if (one.ip === ip) this.#invitations.delete(one.id)
    this.#tell(ip)
    await this.#save({})
  }

  /** Tells the listeners that what is open to a server must be opened again. */
  announce(ip: string): void {
    this.#tell(ip)
  }

  async #save(change: Partial<EnrolmentState>): Promise<void> {
    const state = { servers: this.list(), invitations: [...this.#invitations.values()], ...change }
    await this.#store.save(state)
    this.#servers = new Map(state.servers.map((server) => [server.ip, server]))
    this.#invitations = new Map(state.invitations.map((invitation) => [invitation.id, invitation]))
  }

  #tell(ip: string): void {
    for (const listener of this.#listeners) listener(ip)
  }
}

export function isEarlier(time: string | undefined, known: string | undefined): boolean {
  return time !== undefined && (known === undefined || Date.parse(time) < Date.parse(known))
}
