import { systemBootClock } from '../lib/boot-clock.ts'
import { readTime, type TimeReading } from '../lib/trusted-time.ts'
import type { RunContext } from './plugin.ts'

/** The trusted time, by which a run measures the age of backups, and whether the clock is in doubt now. */
export function readRunTime({ settings, clock }: Pick<RunContext, 'settings' | 'clock'>): TimeReading {
  const { timeAnchor } = settings
  const wallMs = clock.now()
  if (!timeAnchor) return { nowMs: wallMs, doubt: null }
  return readTime(timeAnchor, { wallMs, elapsedMs: systemBootClock.elapsedMs() })
}
