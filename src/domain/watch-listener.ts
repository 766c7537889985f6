import type { EventQueue } from './event-queue.ts'
import type { Listening, RecordEvent } from './record-event.ts'
import type { RecordEvents } from './record-events.ts'

/**
 * The events that a watcher listens to. Before it has caught up with the stored ones, events may come faster than it
 * reads: those that wait are then dropped, and it reads them from the catalog. Later, it is told that it is too slow.
 */
export class WatchListener {
  readonly #events: RecordEvents
  readonly #listening: Listening
  #queue: EventQueue<RecordEvent>
  #upTo: number
  #hasCaughtUp = false
  #isBehind = false

  constructor(events: RecordEvents, { rid, app, scope, onBehind }: Listening) {
    this.#events = events
    this.#listening = {
      rid,
      app,
      scope,
      onBehind: () => (this.#hasCaughtUp ? onBehind?.() : this.#fallBehind()),
    }
    this.#queue = events.listen(this.#listening)
    this.#upTo = events.last
  }

  /** The number of the last event before those that are queued. */
  get upTo(): number {
    return this.#upTo
  }

  /** The next event; undefined if there are no more, or if those that waited were dropped. */
  next(): Promise<RecordEvent | undefined> {
    if (this.#queue.isEmpty && !this.#isBehind) this.#hasCaughtUp = true
    return this.#queue.next()
  }

  /** Queues events from now on, if those that waited were dropped; otherwise returns false. */
  listenAgain(): boolean {
    if (!this.#isBehind) return false
    this.#isBehind = false
    this.#queue = this.#events.listen(this.#listening)
    this.#upTo = this.#events.last
    return true
  }

  stop(): void {
    this.#isBehind = false
    this.#queue.discard()
  }

  #fallBehind(): void {
    this.#isBehind = true
  }
}
