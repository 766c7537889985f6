import { setTimeout as delay } from 'node:timers/promises'
import { type Clock, systemClock } from '../../src/lib/clock.ts'

export interface SkippingClock extends Clock {
  /** Lets time pass at once. More than five minutes in all, and the controller doubts its clock. */
  skip(ms: number): void
}

/** The system's clock, which a test can set ahead: the timers of a program run as usual. */
export function skippingClock(): SkippingClock {
  let skipped = 0
  return {
    now: () => systemClock.now() + skipped,
    elapsed: () => systemClock.elapsed() + skipped,
    after: systemClock.after,
    skip(ms) {
      skipped += ms
    },
  }
}

/** Lets the time run thirty times as fast until the promise is settled. */
export async function hurry<T>(clock: SkippingClock, awaited: Promise<T>): Promise<T> {
  const ended = awaited.then(
    () => true,
    () => true,
  )
  while (!(await Promise.race([ended, delay(200, false)]))) clock.skip(6000)
  return awaited
}
