import { EventQueue, QUEUE_LIMITS, type QueueRules } from '../event-queue.ts'
import type { AlarmEvent } from './alarm.ts'

export type AlarmQueue = EventQueue<AlarmEvent>

/** Publishes changes of alarms to listeners. */
export class AlarmEvents {
  readonly #queues = new Set<AlarmQueue>()
  #isClosed = false

  publish(event: AlarmEvent): void {
    for (const queue of this.#queues) queue.offer(event, 'state')
  }

  /** Queues events from now on. Close the queue when done. */
  listen(rules: QueueRules<AlarmEvent>): AlarmQueue {
    const queue: AlarmQueue = new EventQueue(rules, () => void this.#queues.delete(queue), QUEUE_LIMITS)
    this.#queues.add(queue)
    if (this.#isClosed) queue.close()
    return queue
  }

  /** Whoever listens from now on gets nothing. */
  close(): void {
    this.#isClosed = true
    for (const queue of this.#queues) queue.close()
  }
}
