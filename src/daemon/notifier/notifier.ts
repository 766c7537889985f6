// Sends news of records to the notify addresses, normally controllers. The notifier has one courier for each address;
// a mail makes the posts in the protocol of the address; ../memory/outbox.ts stores what is not sent yet. It knows
// records only as what it sends, and nothing about runs or the store.

import { Agent, buildConnector } from 'undici'
import type { Log } from '../../lib/log.ts'
import type { Problems } from '../../lib/problems.ts'
import { redactUrl } from '../../lib/redact-url.ts'
import type { RunRecord } from '../../wire/record.ts'
import { connectToOwnController } from '../identity/controller-connector.ts'
import { type PresentIdentity, refuseInternalAddress } from '../identity/present-identity.ts'
import type { MemoryListener } from '../memory/daemon-memory.ts'
import { MAX_SILENCE_MS, type NotifyAddress, type Outbox } from '../memory/outbox.ts'
import { createBoundConnector } from './bound-connector.ts'
import { Courier, NEWS_SOURCE } from './courier.ts'
import { createLegacyMail, NewsMail, type Sender } from './mail.ts'

export interface NotifierOptions {
  log: Log
  problems: Problems
  /** Of a daemon that sends news to controllers of its authority alone. */
  identity?: PresentIdentity | undefined
}

/** Sends news of records to all notify addresses, with one courier for each. */
export class Notifier implements MemoryListener {
  readonly #outbox: Outbox
  readonly #sender: Sender
  readonly #log: Log
  readonly #problems: Problems
  readonly #agent: Agent
  readonly #identity: PresentIdentity | undefined
  #isUnbound = false
  readonly #couriers = new Map<string, Courier>()
  #dropped = false

  constructor(outbox: Outbox, sender: Sender, { log, problems, identity }: NotifierOptions) {
    this.#outbox = outbox
    this.#sender = sender
    this.#log = log
    this.#problems = problems
    this.#identity = identity
    const connect = identity ? this.#connectTo(identity) : this.#bind()
    this.#agent = new Agent({ pipelining: 1, keepAliveTimeout: 30_000, connect })
  }

  #bind(open?: buildConnector.connector): buildConnector.connector {
    return createBoundConnector(this.#sender.server, (reason) => this.#warnUnbound(reason), open)
  }

  /** With the certificate as it is then: it changes when it is renewed. */
  #connectTo(identity: PresentIdentity): buildConnector.connector {
    const connect = (options: buildConnector.BuildOptions) =>
      identity.connect?.(options) ?? this.#bind(buildConnector(options))
    return (...request) => connectToOwnController(identity.present, () => identity.now(), connect)(...request)
  }

  /** Why news must not go to an address; undefined: it may. */
  refuse(address: string): string | undefined {
    return this.#identity ? this.#identity.refuseAddress(address) : refuseInternalAddress(address)
  }

  start(): void {
    this.#dropRefused()
    for (const to of this.#outbox.addresses()) this.#send(to)
  }

  addresses(): string[] {
    return this.#outbox.addresses().map(({ address }) => address)
  }

  /** The addresses without passwords. */
  shownAddresses(): string[] {
    return this.addresses().map(redactUrl)
  }

  /** How long the oldest news has waited for each address, ms; 0 if it has all. Without passwords. */
  waits(): [address: string, waitingMs: number][] {
    return this.addresses().map((address) => [redactUrl(address), this.#outbox.waitingMs(address)])
  }

  /** How long the oldest news has waited for the addresses under this URL, ms; 0 if they have all. */
  waitingMsUnder(url: string): number {
    const addresses = this.addresses().filter((address) => address.startsWith(`${url}/`))
    return Math.max(0, ...addresses.map((address) => this.#outbox.waitingMs(address)))
  }

  /** Whether an address was dropped and none added since: a controller should register again. */
  get droppedAddress(): boolean {
    return this.#dropped
  }

  async add(to: NotifyAddress): Promise<void> {
    this.#dropped = false
    this.#problems.clear(NEWS_SOURCE, to.address)
    this.#outbox.add(to)
    const known = this.#couriers.get(to.address)
    if (known?.protocol === to.protocol) return known.hurry()
    this.#couriers.delete(to.address)
    await known?.close()
    if (!this.#couriers.has(to.address)) this.#send(to)
  }

  /** @param address as it was added or as shownAddresses lists it */
  async remove(address: string): Promise<void> {
    const named = this.addresses().filter((known) => known === address || redactUrl(known) === address)
    await Promise.all(named.map((known) => this.#removeOne(known)))
  }

  /** Addresses from before the daemon was enrolled, or from a standalone. The controller adds its new one. */
  #dropRefused(): void {
    for (const address of this.addresses().filter((known) => this.refuse(known) !== undefined)) {
      this.#outbox.remove(address)
      this.#log.warn(
        { address: redactUrl(address) },
        `${redactUrl(address)} gets no more news: ${this.refuse(address)}`,
      )
    }
  }

  async #removeOne(address: string): Promise<void> {
    const courier = this.#couriers.get(address)
    this.#couriers.delete(address)
    this.#outbox.remove(address)
    await courier?.close()
    this.#problems.clear(NEWS_SOURCE, address)
  }

  kept(records: RunRecord[]): void {
    for (const courier of this.#couriers.values()) {
      courier.mail.kept(records)
      courier.wake()
    }
  }

  progressed(record: RunRecord): void {
    for (const courier of this.#couriers.values()) {
      courier.mail.progressed(record)
      courier.wake()
    }
  }

  /** Resolves when every reachable address has all news, or after `ms`. */
  async flush(ms: number): Promise<void> {
    const rests = [...this.#couriers.values()].map((courier) => courier.rest())
    const deadline = AbortSignal.timeout(ms)
    await Promise.race([
      Promise.all(rests),
      new Promise((resolve) => deadline.addEventListener('abort', resolve)),
    ])
  }

  async close(): Promise<void> {
    await Promise.all([...this.#couriers.values()].map((courier) => courier.close()))
    this.#couriers.clear()
    await this.#agent.destroy()
  }

  #send(to: NotifyAddress): void {
    const mail =
      to.protocol === 2 ? new NewsMail(this.#outbox, to, this.#sender) : createLegacyMail(this.#outbox, to)
    const world = {
      outbox: this.#outbox,
      dispatcher: this.#agent,
      log: this.#log,
      problems: this.#problems,
      onSilent: (address: string) => this.#drop(address),
    }
    this.#couriers.set(to.address, new Courier(to, mail, world))
  }

  #warnUnbound(reason: string): void {
    // A certificate says who sends, whatever the address.
    if (this.#isUnbound || this.#identity) return
    this.#isUnbound = true
    const { server } = this.#sender
    this.#log.warn(
      { server, reason },
      `Cannot use the address ${server} to send news: ${reason}. News goes out from another address, which the controller refuses unless it was started with --news-from ${server}=ADDRESS`,
    )
  }

  #drop(address: string): void {
    this.#couriers.delete(address)
    this.#outbox.remove(address)
    this.#dropped = true
    const shown = redactUrl(address)
    const text = `${shown} accepted no news for ${MAX_SILENCE_MS / 86_400_000} days and was dropped. It gets none until it is set again with PUT /api/v1/notify`
    this.#log.error({ address: shown }, text)
    this.#problems.report({ source: NEWS_SOURCE, key: address, text })
  }
}
