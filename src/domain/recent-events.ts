import type { KeptRecord } from './ports.ts'
import type { RecordEvent } from './record-event.ts'

/** How long an event is reused. What is computed from it also names states of servers and jobs, which go stale. */
const REUSED_MS = 1000
const MAX_EVENTS = 10_000

/**
 * Gives all who read the same change at about the same time the same event, so that its answer is computed once: many
 * clients connect again at once after a restart.
 */
export class RecentEvents {
  readonly #events = new Map<string, RecordEvent>()
  #since = 0

  makeEvent(kind: RecordEvent['kind'], { record, eventSeq }: KeptRecord, now: number): RecordEvent {
    if (Math.abs(now - this.#since) > REUSED_MS || this.#events.size >= MAX_EVENTS) {
      this.#events.clear()
      this.#since = now
    }
    const key = `${kind} ${eventSeq}`
    const event = this.#events.get(key) ?? { seq: eventSeq, kind, record }
    this.#events.set(key, event)
    return event
  }
}
