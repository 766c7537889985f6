// The memory of the daemon: one SQLite file, daemon.db, with jobs, sleep marks, records, news for the notify
// addresses, and what the daemon knows about its store, clock and controller. database.ts opens it; daemon-memory.ts
// is what the engine sees of it. It stores facts only: it knows no HTTP and starts nothing.

import type { EngineMemory } from '../../engine/ports.ts'
import type { Clock } from '../../lib/clock.ts'
import type { RunRecord } from '../../wire/record.ts'
import type { NewLogLine } from '../../wire/run-log.ts'
import { CommitGroup } from './commit-group.ts'
import type { DaemonDb } from './database.ts'
import { JobMemory } from './job-memory.ts'
import { LogMemory } from './log-memory.ts'
import { type Kept, RecordMemory } from './record-memory.ts'
import { WaitingLogs } from './waiting-logs.ts'

/** Receives records that were written to disk (`kept`) and mere progress. */
export interface MemoryListener {
  kept(records: RunRecord[]): void
  progressed(record: RunRecord): void
  /** A commit failed on a full disk; it is tried again after this call. */
  diskFull?(): void
}

/** How long lines of logs may wait for a commit. */
const MAX_LOG_WAIT_MS = 1000

export interface DaemonMemory extends EngineMemory {
  /** Deletes some old entries that all addresses have; returns how many, 0 when done. */
  prune(): number
  /** Writes what is waiting for a commit. */
  flush(): void
}

interface Entry extends Kept {
  /** The begin of a phase: neither a change of state nor sent as news. */
  isPhase: boolean
}

/** The persistent state of the engine, in the daemon's database. */
export function createDaemonMemory(db: DaemonDb, clock: Clock, listener: MemoryListener): DaemonMemory {
  const jobs = new JobMemory(db)
  const records = new RecordMemory(db, clock)
  const logs = new LogMemory(db)
  const waiting = new WaitingLogs()
  const write = db.transaction((entries: Entry[]) => {
    logs.write(waiting.list())
    for (const entry of entries) {
      if (entry.isPhase) records.writePhase(entry)
      else {
        records.write(entry)
        jobs.noteStart(entry.record)
      }
    }
  })
  const group = new CommitGroup<Entry[]>((batches) => {
    const entries = batches.flat()
    retryIfFull(() => write(entries), listener)
    waiting.clear()
    const kept = entries.filter(({ isPhase }) => !isPhase)
    if (kept.length > 0) listener.kept(kept.map(({ record }) => record))
  })
  const commitSoon = () => void group.add([]).catch(() => {})
  const addLog = (rid: string, lines: readonly NewLogLine[]) => {
    if (lines.length === 0) return
    if (waiting.isEmpty) clock.after(MAX_LOG_WAIT_MS, () => waiting.isEmpty || commitSoon())
    waiting.add({ rid, lines })
  }
  const jobsIfRoom = (save: () => void) => retryIfFull(save, listener)
  return {
    loadJobs: () => jobs.load(),
    saveJobs: (list, version, left) => jobsIfRoom(() => jobs.save(list, version, left)),
    loadSleepMarks: () => jobs.loadSleepMarks(),
    saveSleep: (id, asleep) => jobsIfRoom(() => jobs.saveSleep(id, asleep)),
    keep: (list) => group.add(list.map((record) => makeEntry(record))),
    notePhase: (record) => {
      // A failure needs no word: that of the run's end has one.
      group.add([{ ...makeEntry(record), isPhase: true }]).catch(() => {})
    },
    progressed: (record) => listener.progressed(record),
    addLog,
    findLog: (rid, page) => logs.find(rid, page),
    find: (rid) => records.find(rid),
    failures: () => records.failures(),
    unfinished: () => records.unfinished(),
    lastStarts: () => jobs.lastStarts(),
    loadNight: () => jobs.loadNight(),
    saveNight: (night) => jobsIfRoom(() => jobs.saveNight(night)),
    prune: () => records.prune() + logs.prune(clock.now()),
    flush() {
      if (!waiting.isEmpty) commitSoon()
      group.flush()
    },
  }
}

function makeEntry(record: RunRecord): Entry {
  return { record: { ...record }, text: JSON.stringify(record), isPhase: false }
}

/** Tries again after the listener has freed its reserve; SQLite has rolled the first try back. */
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
