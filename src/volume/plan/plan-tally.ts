import { bytesToText } from '../../lib/byte-paths.ts'

/** Entries of one kind: their number, the bytes of their content, and the first paths in text form. */
export interface Tally {
  count: number
  bytes: number
  paths: string[]
}

/** What a restore would do. */
export interface RestorePlan {
  create: Tally
  /** Existing entries that differ in content (judged by size and time) or in metadata. */
  overwrite: Tally
  delete: Tally
  /**
   * Entries that would be left out: a parent of a chosen entry is not a folder in the volume, or a folder that is not
   * empty is at the place of a chosen file.
   */
  refuse: Tally
  /** The number of existing entries that are already as they would be restored. */
  same: number
}

/** Builds a plan; keeps the first `names` paths of each kind. */
export class PlanTally {
  readonly plan: RestorePlan = {
    create: emptyTally(),
    overwrite: emptyTally(),
    delete: emptyTally(),
    refuse: emptyTally(),
    same: 0,
  }
  readonly #names: number

  constructor(names: number) {
    this.#names = names
  }

  add(kind: Exclude<keyof RestorePlan, 'same'>, path: Buffer, bytes: number): void {
    const tally = this.plan[kind]
    tally.count++
    tally.bytes += bytes
    if (tally.paths.length < this.#names) tally.paths.push(bytesToText(path))
  }
}

function emptyTally(): Tally {
  return { count: 0, bytes: 0, paths: [] }
}
