import type { TreeEntry } from './entry.ts'

/** What was written into a directory. */
export interface UnpackSummary {
  /** Everything restored, the root included. */
  entries: number
  /** Names of files, each hard link one. */
  files: number
  /** Bytes of file content, without holes. */
  bytes: number
  /** The top directory's own metadata, not applied to the target; null where the archive has no entry for it. */
  root: TreeEntry | null
  /** What could not be restored exactly; each was a warning. */
  faults: number
}
