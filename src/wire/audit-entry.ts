import { createHash } from 'node:crypto'

/** One entry of the audit. What was asked for has two: one before it is done, and one after it, which names the first. */
export interface AuditEntry {
  /** Counts up without gaps. */
  id: number
  /** ISO 8601. */
  at: string
  who: string
  verb: string
  facts: Record<string, unknown>
  /** BEGUN in the first entry; in the second `done`, or why not. */
  outcome: string
  /** The id of the first entry, in the second one. */
  begin: number | null
  /** Hex; null in an entry of a version that had no chain. */
  hash: string | null
}

/** The outcome in an entry that was written before the action. */
export const BEGUN = 'begun'
/** The verb of an entry that says that earlier ones were deleted: `facts` are those of a checkpoint. */
export const PRUNE_VERB = 'pruneAudit'

/** The verb of an entry of a start that found another catalog than the one that was used before. */
export const EPOCH_VERB = 'newEpoch'

/** A place in the chain. */
export interface AuditHead {
  id: number
  /** Empty for an entry without one. */
  hash: string
}

/**
 * The hash of an entry: SHA-256 over the hash of the entry before it and its own fields, as a JSON list. So an entry that
 * was changed, removed, added or moved breaks the chain.
 * @param previous empty before the first entry
 */
export function hashAuditEntry(previous: string, entry: Omit<AuditEntry, 'hash'>): string {
  const { id, at, who, verb, facts, outcome, begin } = entry
  const fields = JSON.stringify([previous, id, at, who, verb, facts, outcome, begin])
  return createHash('sha256').update(fields).digest('hex')
}
