import { bytesToText } from '../../lib/byte-paths.ts'
import type { StepKind } from '../../wire/planned-step.ts'

/** What would be done with one entry. */
export interface PlannedPath {
  /** In text form. */
  path: string
  /** Bytes of its content: that of the backup, or if it is deleted, the present one. */
  bytes: number
}

/** Entries of one kind: their number, the bytes of their content, and the first of them. */
export interface Tally {
  count: number
  bytes: number
  first: PlannedPath[]
}

/** What a restore would do. */
export interface RestorePlan {
  create: Tally
  /** Existing entries that differ in type or content, judged by size and time. */
  overwrite: Tally
  /** Existing entries that differ only in mode, owner or attributes, or links only in their time. */
  metadata: Tally
  delete: Tally
  /**
   * Entries that would be left out: a parent of a chosen entry is not a folder in the volume, or a folder that is not
   * empty is at the place of a chosen file.
   */
  refuse: Tally
  /** The number of existing entries that are already as they would be restored. */
  same: number
}

/** Hears of each step. @param bytes as in PlannedPath */
export type OnStep = (kind: StepKind, path: Buffer, bytes: number) => void

/** Builds a plan; keeps the first `names` entries of each kind. */
export class PlanTally {
  readonly plan: RestorePlan = {
    create: emptyTally(),
    overwrite: emptyTally(),
    metadata: emptyTally(),
    delete: emptyTally(),
    refuse: emptyTally(),
    same: 0,
  }
  readonly #names: number
  readonly #onStep: OnStep | undefined

  constructor({ names, onStep }: { names: number; onStep?: OnStep }) {
    this.#names = names
    this.#onStep = onStep
  }

  add(kind: Exclude<keyof RestorePlan, 'same'>, path: Buffer, bytes: number): void {
    const tally = this.plan[kind]
    tally.count++
    tally.bytes += bytes
    if (kind !== 'refuse') this.#onStep?.(kind, path, bytes)
    if (tally.first.length < this.#names) tally.first.push({ path: bytesToText(path), bytes })
  }
}

function emptyTally(): Tally {
  return { count: 0, bytes: 0, first: [] }
}
