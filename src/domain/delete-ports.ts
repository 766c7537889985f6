import type { BackupKey } from './ports.ts'

/** A good backup that is deleted. Each snapshot of an increment counts as one. */
export interface GoodDelete extends BackupKey {
  /** The id of a snapshot; empty: all of the backup. */
  snapshot: string
  app: string
  /** Path of the volume. */
  source: string
  /** How many good backups it counts as. */
  points: number
}

export interface LossQuestion {
  /** What would be deleted now. */
  deletes: readonly GoodDelete[]
  /** Unix ms: what was deleted earlier does not count. */
  since: number
  /** Only these apps exist; undefined: all. */
  apps: readonly string[] | undefined
  /** An increment whose good snapshots were just counted: the catalog may not know yet how many it has. */
  counted?: (BackupKey & { points: number }) | undefined
}

export interface GoodLoss {
  /** How many good backups there were, those included that were deleted since. */
  good: number
  /** How many others were deleted since. A delete that failed counts, because some of it may be done. */
  deleted: number
  /** How many would be deleted now. */
  now: number
}

export interface VolumeLoss extends GoodLoss {
  server: string
  app: string
  source: string
}

/** Counts good backups, and remembers for a while which were deleted. */
export interface DeleteStore {
  /** Of the volumes of `deletes`, and of all. */
  measure(question: LossQuestion): Promise<{ volumes: VolumeLoss[]; all: GoodLoss }>
  /** Notes deletes; what was noted before `forgetBefore` is forgotten. Times are unix ms. Returns those that were not noted yet. */
  note(deletes: readonly GoodDelete[], times: { at: number; forgetBefore: number }): Promise<GoodDelete[]>
  /** What was not deleted after all counts no more. */
  forget(deletes: readonly GoodDelete[]): Promise<void>
  /**
   * The same of what is restored whole. `snapshots`: only these of one name, by the first digits of their ids. What may be
   * deleted for good still counts.
   */
  forgetRestored(server: string, names: readonly string[], snapshots?: readonly string[]): Promise<void>
}
