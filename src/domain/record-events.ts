import { findApp } from '../wire/find-app.ts'
import type { RunRecord } from '../wire/record.ts'
import { EventQueue, QUEUE_LIMITS, type QueueLimits } from './event-queue.ts'
import { RecentEvents } from './recent-events.ts'
import { type EventFilter, type Listening, makeQueueRules, type RecordEvent } from './record-event.ts'

/** Publishes events to listeners; a slow listener gets only the newest progress of each record. */
export class RecordEvents {
  /** Makes the events that are read, not published. */
  readonly recent = new RecentEvents()
  /** The number of the newest event that was published; those before a restart count. */
  last = 0
  /** Limits of the queues of later listeners. */
  limits: QueueLimits = QUEUE_LIMITS
  #closed = false
  readonly #shelves = new Map<string, Set<EventQueue<RecordEvent>>>()

  /** Returns to how many listeners it was offered. */
  publish(event: RecordEvent, weight: 'state' | 'progress'): number {
    this.last = event.seq
    if (this.#shelves.size === 0) return 0
    let offers = 0
    for (const shelf of listShelves(event.record)) {
      const listeners = this.#shelves.get(shelf)
      offers += listeners?.size ?? 0
      for (const listener of listeners ?? []) listener.offer(event, weight)
    }
    return offers
  }

  /** Queues events from now on. Close the queue when done. */
  listen(filter: Listening): EventQueue<RecordEvent> {
    const shelf = chooseShelf(filter)
    const rules = makeQueueRules(filter)
    const queue = new EventQueue(rules, () => this.#remove(shelf, queue), this.limits)
    const listeners = this.#shelves.get(shelf) ?? new Set<EventQueue<RecordEvent>>()
    this.#shelves.set(shelf, listeners.add(queue))
    if (this.#closed) queue.close()
    return queue
  }

  get listeners(): number {
    return [...this.#shelves.values()].reduce((sum, { size }) => sum + size, 0)
  }

  /** Whoever listens from now on gets nothing. */
  close(): void {
    this.#closed = true
    for (const listeners of this.#shelves.values()) for (const listener of listeners) listener.close()
  }

  #remove(shelf: string, queue: EventQueue<RecordEvent>): void {
    const listeners = this.#shelves.get(shelf)
    listeners?.delete(queue)
    if (listeners?.size === 0) this.#shelves.delete(shelf)
  }
}

/** A listener stands on one shelf, so that an event passes only those who may want it. */
function chooseShelf({ rid, app }: EventFilter): string {
  if (rid !== undefined) return `rid ${rid}`
  return app === undefined ? 'all' : `app ${app}`
}

function listShelves(record: RunRecord): string[] {
  return [`rid ${record.rid}`, `app ${findApp(record)}`, 'all']
}
