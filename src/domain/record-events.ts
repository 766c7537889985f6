import { findApp } from '../wire/find-app.ts'
import type { RunRecord } from '../wire/record.ts'

/** `seq` counts over all records of this controller and continues after a restart. */
export interface RecordEvent {
  seq: number
  kind: 'SNAPSHOT' | 'CHANGE'
  record: RunRecord
}

export interface EventFilter {
  rid?: string | undefined
  app?: string | undefined
}

/** A client with this many waiting changes is disconnected; it can come back with `since`. */
const MAX_BEHIND = 10_000

/** Publishes events to listeners; a slow listener gets only the newest progress of each record. */
export class RecordEvents {
  readonly #listeners = new Set<EventQueue>()

  publish(event: RecordEvent, weight: 'state' | 'progress'): void {
    for (const listener of this.#listeners) listener.offer(event, weight)
  }

  /** Queues events from now on. Close the queue when done. */
  listen(filter: EventFilter): EventQueue {
    const queue = new EventQueue(filter, () => this.#listeners.delete(queue))
    this.#listeners.add(queue)
    return queue
  }

  get listeners(): number {
    return this.#listeners.size
  }

  close(): void {
    for (const listener of this.#listeners) listener.close()
  }
}

export function matchesEventFilter(record: RunRecord, filter: EventFilter): boolean {
  if (filter.rid !== undefined && record.rid !== filter.rid) return false
  return filter.app === undefined || findApp(record) === filter.app
}

interface Waiting {
  event: RecordEvent
  weight: 'state' | 'progress'
}

export class EventQueue {
  readonly #filter: EventFilter
  readonly #onClose: () => void
  readonly #waiting: Waiting[] = []
  #wake: (() => void) | undefined
  #closed = false

  constructor(filter: EventFilter, onClose: () => void) {
    this.#filter = filter
    this.#onClose = onClose
  }

  offer(event: RecordEvent, weight: Waiting['weight']): void {
    if (this.#closed || !matchesEventFilter(event.record, this.#filter)) return
    if (weight === 'progress') this.#dropOlderProgress(event.record.rid)
    this.#waiting.push({ event, weight })
    if (this.#waiting.length > MAX_BEHIND) this.close()
    this.#wake?.()
  }

  /** The next event; undefined once closed. */
  async next(): Promise<RecordEvent | undefined> {
    while (this.#waiting.length === 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#waiting.shift()?.event
  }

  close(): void {
    this.#closed = true
    this.#onClose()
    this.#wake?.()
  }

  #dropOlderProgress(rid: string): void {
    const at = this.#waiting.findIndex(
      ({ event, weight }) => weight === 'progress' && event.record.rid === rid,
    )
    if (at >= 0) this.#waiting.splice(at, 1)
  }
}
