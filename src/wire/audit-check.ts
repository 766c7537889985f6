import {
  type AuditEntry,
  type AuditHead,
  BEGUN,
  EPOCH_VERB,
  hashAuditEntry,
  PRUNE_VERB,
} from './audit-entry.ts'

const MAX_PROBLEMS = 100

export interface AuditFindings {
  count: number
  /** Those that have no end. */
  open: readonly number[]
  /** Those without a hash, which nobody can check. */
  unchained: number
  /** Entries that say that the catalog is not the one that was used before. */
  epochs: readonly number[]
}

/** Checks the chain of the audit; takes the entries from the newest to the oldest. */
export class AuditCheck {
  /** One sentence each, at most MAX_PROBLEMS. */
  readonly problems: string[] = []
  #count = 0
  #unchained = 0
  readonly #epochs: number[] = []
  #later: AuditEntry | undefined
  readonly #ended = new Set<number>()
  readonly #open: number[] = []
  /** By the id of the last entry that was deleted: its hash. */
  readonly #pruned = new Map<number, string>()

  add(entry: AuditEntry): void {
    if (this.#later) this.#checkLink(entry, this.#later)
    if (entry.begin !== null) this.#ended.add(entry.begin)
    else if (entry.outcome === BEGUN && !this.#ended.delete(entry.id)) this.#open.push(entry.id)
    if (entry.verb === PRUNE_VERB) this.#notePruned(entry.facts)
    if (entry.verb === EPOCH_VERB) this.#epochs.push(entry.id)
    if (entry.hash === null) this.#unchained += 1
    this.#later = entry
    this.#count += 1
  }

  /** Call it after the oldest entry. */
  finish(): AuditFindings {
    const oldest = this.#later
    if (oldest && oldest.hash !== null) this.#checkOldest(oldest)
    return { count: this.#count, open: this.#open, unchained: this.#unchained, epochs: this.#epochs }
  }

  /** Whether an entry was deleted for its age; call it after the oldest entry. */
  isPruned({ id }: AuditHead): boolean {
    return this.#pruned.size > 0 && this.#later !== undefined && id < this.#later.id
  }

  /** Whether a checkpoint says that this was the last one of those that were deleted together. */
  isCheckpoint({ id, hash }: AuditHead): boolean {
    return this.#pruned.get(id) === hash
  }

  #checkLink(entry: AuditEntry, later: AuditEntry): void {
    if (later.id !== entry.id + 1)
      this.#report(`Entries between ${entry.id} and ${later.id} are missing, or stand in another order`)
    else if (later.hash !== null) this.#checkHash(later, entry.hash ?? '')
    else if (entry.hash !== null)
      this.#report(`Entry ${later.id} is outside of the chain: an older version wrote it, or somebody else`)
  }

  /** What stood before the oldest entry was deleted, unless it is the first one. */
  #checkOldest(oldest: AuditEntry): void {
    const previous = oldest.id === 1 ? '' : this.#pruned.get(oldest.id - 1)
    if (previous === undefined) this.#report(`Entries before ${oldest.id} are missing, and no entry says why`)
    else this.#checkHash(oldest, previous)
  }

  #checkHash(entry: AuditEntry, previous: string): void {
    if (entry.hash !== hashAuditEntry(previous, entry))
      this.#report(
        `Entry ${entry.id}, or the one before it, was changed: its hash is not the one of its content`,
      )
  }

  #notePruned({ id, hash }: AuditEntry['facts']): void {
    if (typeof id === 'number' && typeof hash === 'string') this.#pruned.set(id, hash)
  }

  #report(problem: string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(problem)
  }
}
