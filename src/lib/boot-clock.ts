import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'

/** Time since the machine started. Nobody can set it, and it counts while the machine sleeps. */
export interface BootClock {
  /** Differs after each start of the machine; two programs with the same one share a kernel and its clock. */
  readonly bootId: string
  /** Milliseconds. */
  elapsedMs(): number
}

/** `uptime()` reads /proc/uptime, which is CLOCK_BOOTTIME. */
export const systemBootClock: BootClock = {
  bootId: readBootId(),
  elapsedMs: () => uptime() * 1000,
}

/** Where the kernel does not tell one, each start of this program counts as a start of the machine. */
function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return randomUUID()
  }
}
