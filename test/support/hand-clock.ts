import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { T0 } from './store-samples.ts'

export interface HandClock extends Clock {
  /** Lets time pass, and calls what comes due. A negative time sets the wall clock back; no time passes. */
  move(ms: number): void
}

/** A clock that only a test moves. */
export function handClock(at = '2026-11-23T09:00:00Z'): HandClock {
  let [wall, elapsed] = [Date.parse(at), 5000]
  const waiting = new Set<{ at: number; act(): void }>()

  function moveTo(end: number): void {
    wall += end - elapsed
    elapsed = end
  }

  /** The first timer that is due until then. */
  function findDue(end: number) {
    return [...waiting].filter((one) => one.at <= end).sort((a, b) => a.at - b.at)[0]
  }

  return {
    now: () => wall,
    elapsed: () => elapsed,
    after(ms, act) {
      const one = { at: elapsed + ms, act }
      waiting.add(one)
      return { [Symbol.dispose]: () => void waiting.delete(one) }
    },
    move(ms) {
      if (ms < 0) wall += ms
      const end = elapsed + Math.max(ms, 0)
      for (let due = findDue(end); due; due = findDue(end)) {
        waiting.delete(due)
        moveTo(Math.max(due.at, elapsed))
        due.act()
      }
      moveTo(end)
    },
  }
}

/** A wall clock that stands still until it is set. Unix seconds. */
export function secondsClock(seconds = T0): Clock & { set(to: number): void } {
  let now = seconds
  return {
    ...systemClock,
    now: () => now * 1000 + 799,
    set(to: number) {
      now = to
    },
  }
}
