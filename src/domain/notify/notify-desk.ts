import type { Clock } from '../../lib/clock.ts'
import type { NotifySink } from '../../wire/settings.ts'
import { NotifyOutbox } from './outbox.ts'

/** Everything about notifications that a controller has. */
export class NotifyDesk {
  /** Of the settings in force. */
  sinks: readonly NotifySink[] = []
  readonly outbox: NotifyOutbox

  constructor(clock: Clock) {
    this.outbox = new NotifyOutbox(clock)
  }
}
