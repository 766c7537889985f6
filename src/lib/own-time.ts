// Time that this process could use. While its event loop is blocked or the process is stopped, it cannot read what
// others answer, so such a stall must not count as their silence.

const STEP_MS = 250
/** A step that ends later than this after its time was a stall. */
const MAX_LATE_MS = 250

/**
 * Calls `act` after this process had `ms` of time, unless it is disposed before. A stall counts as a quarter of a step,
 * so that the wait ends even in a process that stalls again and again.
 */
export function afterOwnTime(ms: number, act: () => void): Disposable {
  let left = ms
  let timer: NodeJS.Timeout
  const wait = () => {
    const step = Math.min(STEP_MS, left)
    const due = performance.now() + step
    timer = setTimeout(() => {
      left -= performance.now() - due > MAX_LATE_MS ? step / 4 : step
      if (left < 1) act()
      else wait()
    }, step).unref()
  }
  wait()
  return { [Symbol.dispose]: () => clearTimeout(timer) }
}
