import { Histogram, Registry } from 'prom-client'

/** Seconds: from a daemon that is connected to one that nobody heard for a week. */
const DELAYS = [0.1, 0.5, 1, 5, 30, 300, 3600, 86_400, 604_800]

/** Measures how late the controller learns that a run has ended. */
export class NewsMeter {
  readonly registry = new Registry()
  readonly #delay = new Histogram({
    name: 'backupd_news_delay_seconds',
    help: 'From the end of a run until its record is on disk at the controller.',
    buckets: DELAYS,
    registers: [this.registry],
  })

  note(delayMs: number): void {
    this.#delay.observe(Math.max(delayMs, 0) / 1000)
  }
}
