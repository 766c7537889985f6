import type { EngineMemory } from '../../engine/ports.ts'
import type { Clock } from '../../lib/clock.ts'
import type { RunRecord } from '../../wire/record.ts'
import { CommitGroup } from './commit-group.ts'
import type { Db } from './database.ts'
import { JobMemory } from './job-memory.ts'
import { type Kept, RecordMemory } from './record-memory.ts'

/** Who is told what was kept (on disk) and what only moved on. */
export interface MemoryListener {
  kept(records: RunRecord[]): void
  progressed(record: RunRecord): void
  /** There is no room for a commit, which is tried once more right after. */
  diskFull?(): void
}

export interface DaemonMemory extends EngineMemory {
  /** Forgets some of what is old and taken by all; returns how much, 0 when there is no more. */
  prune(): number
  /** Writes what waits. */
  flush(): void
}

/** What the engine must not forget, in the daemon's database. */
export function createDaemonMemory(db: Db, clock: Clock, listener: MemoryListener): DaemonMemory {
  const jobs = new JobMemory(db)
  const records = new RecordMemory(db, clock)
  const write = db.transaction((kept: Kept[]) => {
    for (const entry of kept) {
      records.write(entry)
      jobs.noteStart(entry.record)
    }
  })
  const group = new CommitGroup<Kept[]>((batches) => {
    const kept = batches.flat()
    retryIfFull(() => write(kept), listener)
    listener.kept(kept.map(({ record }) => record))
  })
  const jobsIfRoom = (save: () => void) => retryIfFull(save, listener)
  return {
    loadJobs: () => jobs.load(),
    saveJobs: (list, version, left) => jobsIfRoom(() => jobs.save(list, version, left)),
    loadLeftSleepers: () => jobs.loadLeftSleepers(),
    saveSleep: (id, asleep) => jobsIfRoom(() => jobs.saveSleep(id, asleep)),
    keep: (list) =>
      group.add(list.map((record) => ({ record: { ...record }, text: JSON.stringify(record) }))),
    progressed: (record) => listener.progressed(record),
    find: (rid) => records.find(rid),
    failures: () => records.failures(),
    unfinished: () => records.unfinished(),
    lastStarts: () => jobs.lastStarts(),
    prune: () => records.prune(),
    flush: () => group.flush(),
  }
}

/** The listener gives a reserve back; SQLite has left nothing of the first try. */
function retryIfFull(write: () => void, { diskFull }: MemoryListener): void {
  try {
    write()
  } catch (error) {
    if (!diskFull || !isDiskFull(error)) throw error
    diskFull()
    write()
  }
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^SQLITE_(FULL|IOERR)/.test(String(error.code))
}
