import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'

/** Time since the machine started. It cannot be set, and it counts while the machine is suspended. */
export interface BootClock {
  /** Changes with each start of the machine. Programs with the same id share a kernel and its clock. */
  readonly bootId: string
  /** Milliseconds. */
  elapsedMs(): number
}

/** `uptime()` reads /proc/uptime, which is CLOCK_BOOTTIME. */
export const systemBootClock: BootClock = {
  bootId: readBootId(),
  elapsedMs: () => uptime() * 1000,
}

/** If the kernel has no boot id, each start of this program counts as a start of the machine. */
function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return randomUUID()
  }
}
