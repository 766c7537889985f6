import type { UnpackInput } from '../../../archive/unpack.ts'
import type { ChosenFiles } from '../../../volume/tree/chosen-paths.ts'
import type { UnpackSummary } from '../../../volume/tree/unpack-summary.ts'
import type { RecoverPlan } from '../../../wire/snapshot.ts'

/** An empty directory to be filled, and who wants to hear of it. */
export type Filling = Pick<UnpackInput, 'target' | 'signal' | 'onProgress' | 'onWarning' | 'onProtected'>

/** On a disk. */
export interface Room {
  bytes: number
  entries: number
}

export interface PlanQuestion {
  /** The volume's real path; null where it is not there. */
  path: string | null
  /** null for all of it, in place of all that is there. */
  chosen: ChosenFiles | null
  signal: AbortSignal
  warn(message: string): void
}

/** What a recover puts back, wherever it is kept. */
export interface RecoverSource extends AsyncDisposable {
  /** Where a legacy backup was made, as `.meta` says; null for others, and where that is not known. */
  readonly legacySource: string | null
  readonly state: 'success' | 'partial'
  readonly suspect: string | null
  /** What all of it is; null where that is not known. */
  readonly totals: { bytes: number; files: number } | null
  /** What all of it takes at most beside what is there. */
  readonly needs: Room
  /** What that is, or what is chosen of it, as far as it is known beforehand. It may take a while. */
  measure(chosen: ChosenFiles | null, signal: AbortSignal): Promise<Room>
  fill(into: Filling, chosen: ChosenFiles | null): Promise<UnpackSummary>
  /** `refused`: how much would be left out; each is a warning, as far as they are named. */
  plan(question: PlanQuestion): Promise<{ plan: RecoverPlan; refused: number }>
}
