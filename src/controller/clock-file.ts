import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { removeUnfinishedWrites, writeFileAtomically } from '../lib/atomic-file.ts'
import type { Clock } from '../lib/clock.ts'
import { parseClockNote } from '../lib/clock-note.ts'
import type { Log } from '../lib/log.ts'
import { CLOCK_TICK_MS, TrustedClock } from '../lib/trusted-clock.ts'
import { CLOCK_DOUBT_TEXT } from '../wire/health-texts.ts'

interface TimeKeeping {
  dataDir: string
  clock: Clock
  log: Log
}

/** Keeps the controller's trusted time in `<data>/clock.json`, until `parts` are disposed. */
export function keepControllerTime(
  { dataDir, clock, log }: TimeKeeping,
  parts: AsyncDisposableStack,
): TrustedClock {
  const file = join(dataDir, 'clock.json')
  removeUnfinishedWrites(file)
  const memory = {
    load: () => parseClockNote(readIfThere(file)),
    save: (note: object) => writeFileAtomically(file, JSON.stringify(note)),
  }
  const trusted = new TrustedClock({ clock, memory, log, doubtText: CLOCK_DOUBT_TEXT })
  const timer = setInterval(() => trusted.tick(), CLOCK_TICK_MS)
  parts.defer(async () => {
    clearInterval(timer)
    await trusted.flush()
  })
  return trusted
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
