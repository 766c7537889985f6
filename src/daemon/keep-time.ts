import type { RunSettings } from '../engine/plugin.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Problems } from '../lib/problems.ts'
import { CLOCK_TICK_MS, TrustedClock } from '../lib/trusted-clock.ts'
import { CLOCK_DOUBT_TEXT } from '../wire/health-texts.ts'
import { createClockMemory } from './memory/clock-memory.ts'
import type { DaemonDb } from './memory/database.ts'

interface TimeKeeping {
  clock: Clock
  log: Log
  problems: Problems
  /** Runs check their clocks against the time anchor in it. */
  settings: RunSettings
}

/** Keeps the trusted time in the daemon's database and passes it to runs, until `parts` are disposed. */
export function keepDaemonTime(
  db: DaemonDb,
  keeping: TimeKeeping,
  parts: AsyncDisposableStack,
): TrustedClock {
  const { clock, log, problems, settings } = keeping
  const memory = createClockMemory(db)
  const onChange = (it: TrustedClock) => {
    settings.timeAnchor = it.anchor
    problems.replace('clock', it.problems)
  }
  const trusted = new TrustedClock({ clock, memory, log, doubtText: CLOCK_DOUBT_TEXT, onChange })
  const timer = setInterval(() => trusted.tick(), CLOCK_TICK_MS)
  parts.defer(async () => {
    clearInterval(timer)
    await trusted.flush()
  })
  return trusted
}
