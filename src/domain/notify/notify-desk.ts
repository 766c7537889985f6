import type { Clock } from '../../lib/clock.ts'
import type { NotifySink, Ping } from '../../wire/settings.ts'
import { NotifyOutbox } from './outbox.ts'

/** Real time. */
const STOP_AFTER_MS = 3000

/** Everything about notifications that a controller has. */
export class NotifyDesk {
  /** Of the settings in force. */
  sinks: readonly NotifySink[] = []
  ping: Ping | null = null
  /** Elapsed ms: the last ping, and the last question for the state of a daemon that ended. */
  pingedAt = Number.NEGATIVE_INFINITY
  polledAt: number
  readonly outbox: NotifyOutbox
  readonly #stopping = new AbortController()

  /** @param clock one that is not led astray by a clock that is set wrong */
  constructor(clock: Clock) {
    this.outbox = new NotifyOutbox(clock)
    this.polledAt = clock.elapsed()
  }

  /** Aborts soon after stopSoon(): a receiver that does not answer must not keep the controller from its end. */
  get stop(): AbortSignal {
    return this.#stopping.signal
  }

  /** Whoever answers meanwhile has what is being sent. @returns ends the wait */
  stopSoon(): Disposable {
    const timer = setTimeout(() => this.#stopping.abort(), STOP_AFTER_MS)
    return { [Symbol.dispose]: () => clearTimeout(timer) }
  }
}
