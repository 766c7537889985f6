import { workerData } from 'node:worker_threads'
import { AT_FDCWD } from '../../src/lib/kernel/libc.ts'
import { loadKernel } from '../../src/lib/kernel.ts'

/** Run as a thread: swaps two names again and again, after a short pause each, until `flags[STOP]` is set. */
interface Order {
  names: [string, string]
  /** Number of swaps so far, and whether to stop. */
  flags: Int32Array
}

const { names, flags } = workerData as Order
const [one, other] = names.map((name) => ({ dir: AT_FDCWD, name: Buffer.from(name) }))
const kernel = loadKernel()
if (!one || !other || !kernel) throw new Error('nothing to do')

while (Atomics.load(flags, 1) === 0) {
  kernel.renameat2(one, other, 'exchange')
  Atomics.add(flags, 0, 1)
  Atomics.notify(flags, 0)
  // From almost zero to longer than a step of a run, so that any call after a check may see the other state.
  Atomics.wait(flags, 1, 0, Math.random() ** 4 * 20)
}
