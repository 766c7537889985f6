import { type Dispatcher, request } from 'undici'
import { backoffMs } from '../../lib/backoff.ts'
import { messageOf } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import type { Problems } from '../../lib/problems.ts'
import { makeAuthorization, redactUrl } from '../../lib/redact-url.ts'
import type { NotifyAddress, Outbox } from '../memory/outbox.ts'
import type { Delivery, Mail } from './mail.ts'
import { RefusedPost, readRefusal } from './read-refusal.ts'
import { Wake } from './wake.ts'

export interface CourierWorld {
  outbox: Pick<Outbox, 'noteSilence'>
  dispatcher: Dispatcher
  log: Log
  problems: Problems
  /** Called when the address was silent for too long; the callee drops it. */
  onSilent(address: string): void
}

export const NEWS_SOURCE = 'news'
/** How many attempts in a row must fail before it is reported as a problem. */
const REPORTED_FAILURES = 6
/** An address that takes longer to answer counts as not having accepted the post. */
const ANSWER_TIMEOUT_MS = 20_000

/**
 * Sends news to one address, one post at a time. A post without a 2xx answer is tried again, for days: at the time that
 * the answer names (503 with Retry-After), otherwise with a backoff. It does not use p-retry, because each try sends what
 * is newest by then. Addresses do not wait for each other.
 */
export class Courier {
  readonly #to: NotifyAddress
  readonly #mail: Mail
  readonly #world: CourierWorld
  readonly #news = new Wake()
  readonly #retry = new Wake()
  readonly #stop = new AbortController()
  #failures = 0
  #rested: (() => void)[] = []
  /** `waits`: the address does not answer, and the next attempt is not due. */
  #state: 'busy' | 'idle' | 'waits' = 'busy'
  readonly #done: Promise<void>

  constructor(to: NotifyAddress, mail: Mail, world: CourierWorld) {
    this.#to = to
    this.#mail = mail
    this.#world = world
    this.#done = this.#deliverAll()
  }

  get protocol(): NotifyAddress['protocol'] {
    return this.#to.protocol
  }

  /** The address without its password. */
  get #shown(): string {
    return redactUrl(this.#to.address)
  }

  get mail(): Mail {
    return this.#mail
  }

  /** Call it when there may be news. */
  wake(): void {
    if (this.#state === 'idle') this.#state = 'busy'
    this.#news.ring()
  }

  /** The address gave a sign of life: tries again immediately. */
  hurry(): void {
    this.#failures = 0
    this.#retry.ring()
    this.wake()
  }

  /** Resolves when all news is sent, or when the address cannot be reached now. */
  async rest(): Promise<void> {
    if (this.#state !== 'busy') return
    await new Promise<void>((resolve) => this.#rested.push(resolve))
  }

  /** Aborts the post under way, which counts as not accepted. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#news.ring()
    this.#retry.ring()
    await this.#done
  }

  async #deliverAll(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const delivery = this.#mail.next()
        if (delivery) await this.#deliver(delivery)
        else await this.#pause()
      } catch (error) {
        await this.#failed(error)
      }
    }
    this.#rest('idle')
  }

  async #pause(): Promise<void> {
    this.#rest('idle')
    await this.#news.wait(this.#mail.dueInMs())
    this.#state = 'busy'
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)])
    const answer = await request(this.#to.address, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...makeAuthorization(this.#to.address) },
      body: JSON.stringify(delivery.body),
      dispatcher: this.#world.dispatcher,
      signal,
    })
    if (answer.statusCode > 299) throw await readRefusal(answer)
    await answer.body.dump()
    delivery.accepted()
    if (this.#failures > 0)
      this.#world.log.info({ address: this.#shown }, `${this.#shown} accepts news again`)
    this.#failures = 0
    this.#world.problems.clear(NEWS_SOURCE, this.#to.address)
  }

  async #failed(error: unknown): Promise<void> {
    if (this.#stop.signal.aborted) return
    this.#failures += 1
    this.#logFailure(error)
    this.#report(error)
    if (this.#isSilentTooLong()) {
      this.#stop.abort()
      return this.#world.onSilent(this.#to.address)
    }
    this.#rest('waits')
    const asked = error instanceof RefusedPost ? error.retryAfterMs : undefined
    await this.#retry.wait(asked ?? backoffMs(this.#failures))
    this.#state = 'busy'
  }

  /** Tolerates a full disk, which must not end the courier. */
  #isSilentTooLong(): boolean {
    try {
      return this.#world.outbox.noteSilence(this.#to.address)
    } catch {
      return false
    }
  }

  /** Logs the first failure and then every 60th, because attempts may go on for days. */
  #logFailure(error: unknown): void {
    if (this.#failures !== 1 && this.#failures % 60 !== 0) return
    const address = this.#shown
    this.#world.log.warn(
      { address, attempts: this.#failures },
      `Cannot send news to ${address}: ${messageOf(error)}. It is kept, and tried again at least every minute`,
    )
  }

  /** Reports a problem only after some failures, because a controller may just be restarting. */
  #report(error: unknown): void {
    if (this.#failures < REPORTED_FAILURES) return
    const text = `Cannot send news to ${this.#shown}: ${messageOf(error)}. It is kept; check that the controller runs`
    this.#world.problems.report({ source: NEWS_SOURCE, key: this.#to.address, text })
  }

  #rest(state: 'idle' | 'waits'): void {
    this.#state = state
    for (const resolve of this.#rested.splice(0)) resolve()
  }
}
