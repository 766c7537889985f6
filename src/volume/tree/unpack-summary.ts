import type { TreeEntry } from './entry.ts'

/** Counts of what was restored into a directory. */
export interface UnpackSummary {
  /** All restored entries, the root included. */
  entries: number
  /** Names of files; each hard link counts. */
  files: number
  /** Bytes of file content, without holes. */
  bytes: number
  /** The metadata of the volume itself, not applied to the target; null if the archive has no entry for it. */
  root: TreeEntry | null
  /** Entries that could not be restored exactly; each caused a warning. */
  faults: number
}
