import type { Clock } from '../../lib/clock.ts'
import type { NotifySink, Ping } from '../../wire/settings.ts'
import { NotifyOutbox } from './outbox.ts'

/** Everything about notifications that a controller has. */
export class NotifyDesk {
  /** Of the settings in force. */
  sinks: readonly NotifySink[] = []
  ping: Ping | null = null
  /** Elapsed ms: the last ping, and the last question for the state of a daemon that ended. */
  pingedAt = Number.NEGATIVE_INFINITY
  polledAt: number
  readonly outbox: NotifyOutbox

  constructor(clock: Clock) {
    this.outbox = new NotifyOutbox(clock)
    this.polledAt = clock.elapsed()
  }
}
