import { mkdirSync, symlinkSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { AT_FDCWD } from '../../src/lib/kernel/libc.ts'
import { loadKernel } from '../../src/lib/kernel.ts'

/**
 * Run as a thread: makes a directory in a volume and swaps it with a link to `target` again and again, until told to
 * stop.
 */
interface Order {
  names: [string, string]
  target: string
  flags: Int32Array
}

const { names, target, flags } = workerData as Order
const [folder, link] = names
const at = (name: string) => ({ dir: AT_FDCWD, name: Buffer.from(name) })

/** The recover may have moved either of them. */
function attempt(act: () => void): void {
  try {
    act()
  } catch {}
}

while (Atomics.load(flags, 1) === 0) {
  attempt(() => mkdirSync(folder))
  attempt(() => symlinkSync(target, link))
  attempt(() => loadKernel()?.renameat2(at(folder), at(link), 'exchange'))
  Atomics.add(flags, 0, 1)
  Atomics.notify(flags, 0)
  Atomics.wait(flags, 1, 0, Math.random() ** 4 * 4)
}
