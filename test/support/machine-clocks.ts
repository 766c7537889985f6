import type { BootClock } from '../../src/lib/boot-clock.ts'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import type { ClockNote } from '../../src/lib/clock-note.ts'
import { CLOCK_TICK_MS, TrustedClock } from '../../src/lib/trusted-clock.ts'
import { CLOCK_DOUBT_TEXT } from '../../src/wire/health-texts.ts'
import { keepingLog } from './keeping-log.ts'

export const MACHINE_START = Date.parse('2026-11-23T09:00:00Z')
const HOUR = 3_600_000

/** A machine with a wall clock that can be set, a boot clock that cannot, and a disk for the trusted time. */
export function machineClocks(start = MACHINE_START) {
  let wall = start
  let elapsed = HOUR
  let boots = 1
  let note: string | undefined
  const clock: Clock = { ...systemClock, now: () => wall }
  const boot: BootClock = {
    get bootId() {
      return `boot-${boots}`
    },
    elapsedMs: () => elapsed,
  }
  const memory = {
    load: () => (note === undefined ? undefined : (JSON.parse(note) as ClockNote)),
    save: (saved: ClockNote) => {
      note = JSON.stringify(saved)
    },
  }
  const log = keepingLog()
  return {
    clock,
    log,
    boot,
    memory,
    /** The wall clock jumps; no time passes. */
    jump(ms: number) {
      wall += ms
    },
    /** Time passes in which no program runs: a suspend, or a stopped daemon. */
    pass(ms: number) {
      wall += ms
      elapsed += ms
    },
    /** Off for `offMs`; without a battery, the wall clock starts at the given time. */
    reboot(offMs: number, wallAtBoot = wall + offMs) {
      wall = wallAtBoot
      elapsed = 0
      boots += 1
    },
    /** A container starts again: its uptime starts at 0, and the boot id is that of its host. */
    restartContainer() {
      elapsed = 0
    },
    start: () => new TrustedClock({ clock, boot, memory, log, doubtText: CLOCK_DOUBT_TEXT }),
    /** Time passes while the program runs and looks at its clocks. */
    run(trusted: TrustedClock, ms: number) {
      for (let left = ms; left > 0; left -= CLOCK_TICK_MS) {
        this.pass(Math.min(left, CLOCK_TICK_MS))
        trusted.tick()
      }
    },
  }
}
