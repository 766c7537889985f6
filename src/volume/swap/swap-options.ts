import type { TreeEntry } from '../tree/entry.ts'
import type { KeptNote } from './kept-note.ts'
import type { KeepTime } from './pointer.ts'
import type { RootMetadata } from './root-metadata.ts'

/** The points that a swap passes, in this order; `moved` after each rename. Tests crash it there. */
export type Checkpoint =
  | 'journal written'
  | 'moved'
  | 'moved out'
  | 'moved in'
  | 'in place'
  | 'committed'
  | 'emptied'
  | 'kept'
  | 'done'

export interface SwapOptions {
  /** The volume's own metadata in the archive; null = it keeps what it has. */
  root: TreeEntry | null
  /** How many entries could not be unpacked exactly; reported again if the swap is finished after a crash. */
  unpackFaults?: number
  /** Checked until everything is in place; an abort moves everything back. */
  signal: AbortSignal
  warn(message: string): void
  /** Called with what could not be set of the volume's own metadata, as the end of a sentence. */
  onRefused(message: string): void
  checkpoint?(at: Checkpoint): void
  /** Keeps the old content; without it, it is removed. */
  keep?: KeepTime | undefined
  /** Hears of what was kept. */
  onKept?(note: KeptNote): void
  /** The volume's own metadata for an undo, instead of `root`. */
  keptRoot?: RootMetadata
}
