import type { TreeEntry } from '../tree/entry.ts'

/** The points a swap passes, in this order; `moved` after each rename. */
export type Checkpoint =
  | 'journal written'
  | 'moved'
  | 'moved out'
  | 'moved in'
  | 'in place'
  | 'committed'
  | 'emptied'
  | 'done'

export interface SwapOptions {
  /** The volume's own metadata in the archive; null = it keeps what it has. */
  root: TreeEntry | null
  /** How much could not be unpacked exactly: told by whoever ends the swap after a crash. */
  unpackFaults?: number
  /** Heeded until everything is in place; what was moved goes back then. */
  signal: AbortSignal
  warn(message: string): void
  /** What of the volume's own metadata the file system refused, as the end of a sentence. */
  onRefused(message: string): void
  checkpoint?(at: Checkpoint): void
}
