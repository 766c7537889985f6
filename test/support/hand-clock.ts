import { T0 } from './store-samples.ts'

/** A clock that only a test moves. */
export function handClock(at = '2026-11-23T09:00:00Z') {
  let now = Date.parse(at)
  return {
    now: () => now,
    move(ms: number) {
      now += ms
    },
  }
}

/** A clock that stands until it is set. Unix seconds. */
export function secondsClock(seconds = T0) {
  let now = seconds
  return {
    now: () => now * 1000 + 799,
    set(to: number) {
      now = to
    },
  }
}
