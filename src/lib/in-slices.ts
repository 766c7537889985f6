import { setImmediate as eventLoopTurn } from 'node:timers/promises'

/** How long a slice may keep timers and sockets waiting. */
const SLICE_MS = 10

/** Long work that may be interrupted at each `yield`; returns its result. */
export type Interruptible<T> = Generator<undefined, T>

/** Does the work in slices, between which the event loop turns. */
export async function doInSlices<T>(work: Interruptible<T>): Promise<T> {
  let started = performance.now()
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
    if (performance.now() - started < SLICE_MS) continue
    await eventLoopTurn()
    started = performance.now()
  }
}

/** Does the work without interruption. */
export function doAtOnce<T>(work: Interruptible<T>): T {
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
  }
}
