import { parseClockNote } from '../../lib/clock-note.ts'
import type { ClockMemory } from '../../lib/trusted-clock.ts'
import type { DaemonDb } from './database.ts'

/** Stores the trusted time in the daemon's database. */
export function createClockMemory(db: DaemonDb): ClockMemory {
  const read = db.prepare<[], string>("SELECT value FROM facts WHERE key = 'clock'").pluck()
  const write = db.prepare("INSERT OR REPLACE INTO facts (key, value) VALUES ('clock', ?)")
  return {
    load: () => parseClockNote(read.get()),
    save: (note) => void write.run(JSON.stringify(note)),
  }
}
