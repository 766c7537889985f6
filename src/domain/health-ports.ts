// What the health of volumes needs from the catalog; ports.ts has the other ports.

import type { RunRecord } from '../wire/record.ts'

/** How a run ended, for the health of its job. */
export interface EndedRun {
  rid: string
  /** Unix ms of its end. */
  at: number
  state: 'success' | 'partial' | 'failed' | 'cancelled' | 'lost'
  /** Empty if it is not known. */
  reason: string
  /** Of its error. */
  code: string | null
}

/** What is known of the backups of a volume in one mode. Times are unix ms. */
export interface VolumeCondition {
  /** When the newest good backup was made; null if there is none. */
  lastGoodAt: number | null
  /** The newest proof that a good one can be read; null if there is none. */
  provenAt: number | null
  /** The newest backup, good or not; null if there is none. */
  newest: NewestBackup | null
  /** The first unusual run that nobody has acknowledged; null if there is none. */
  unusual: UnusualRun | null
}

export interface UnusualRun {
  /** When it was judged. */
  at: number
  because: string
}

export interface NewestBackup {
  at: number
  state: 'success' | 'partial'
  suspect: string | null
  corrupt: string | null
}

/** What must survive a restart of the health of a job, because no record says it. Times are unix ms. */
export interface KeptJobHealth {
  jobId: string
  /** First sight, the last change of its schedule, or the last wake. */
  countedFrom: number
  pausedSince: number | null
  /** An earlier job of the volume, whose runs count until this one has one of its own. */
  inherits: string | null
  /** The states that hold, with unix ms since when; and `proofFrom`, from when a missing proof counts. */
  standing: Readonly<Record<string, unknown>>
}

/** The place of a volume, whatever server it lies on. */
export interface PlaceKey {
  app: string
  /** The full name. */
  proc: string
  volume: string
  instanceNo: number
}

/** A time in which a schedule was in force and not paused. Times are unix ms. */
export interface SchedulePeriod {
  jobId: string
  spec: string
  /** Of a spec that names none; null: it was not known. */
  zone: string | null
  begin: number
  /** null: it goes on. */
  end: number | null
}

/** A period begins, or the open one of a job ends. */
export type PeriodChange =
  | { kind: 'open'; place: PlaceKey; period: SchedulePeriod }
  | { kind: 'close'; jobId: string; end: number }

/** A backup run of a volume. */
export interface VolumeRun {
  jobId: string
  /** Unix ms of its request. */
  at: number
  state: RunRecord['state']
}

/** How many backup runs of a volume, whose records are no longer kept, ended how on one day. */
export interface ForgottenDay {
  /** `2026-01-31`, UTC. */
  day: string
  state: string
  count: number
}

/** The room of a server's store on one day. */
export interface KeptStoreDay {
  server: string
  /** `2026-01-31`, UTC. */
  day: string
  /** Unix ms. */
  at: number
  usedBytes: number
  freeBytes: number
}

export interface HealthStore {
  /** Those of these jobs that are known. */
  load(jobIds: readonly string[]): Promise<KeptJobHealth[]>
  save(jobs: readonly KeptJobHealth[]): Promise<void>
  remove(jobIds: readonly string[]): Promise<void>
  /** In this order; what was done already is not done again. */
  changePeriods(changes: readonly PeriodChange[]): Promise<void>
  periods(place: PlaceKey): Promise<SchedulePeriod[]>
  /** Deletes one slice of the periods that ended before this time, unix ms; returns how many. */
  forgetPeriods(before: number): Promise<number>
  /** The room of all stores on this day and later ones. */
  loadStoreDays(from: string): Promise<KeptStoreDay[]>
  saveStoreDays(days: readonly KeptStoreDay[]): Promise<void>
}
