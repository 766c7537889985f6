import { bytesToText } from '../../lib/byte-paths.ts'

/** Things of one kind: how many, with how many bytes of content, and the first of their paths in text form. */
export interface Tally {
  count: number
  bytes: number
  paths: string[]
}

/** What a restore would do. */
export interface RestorePlan {
  create: Tally
  /** What is there and differs, in content as far as size and time tell, or in metadata. */
  overwrite: Tally
  delete: Tally
  /**
   * What would be left out: a folder on the way to what is chosen is none in the volume, or a folder that holds
   * something is where a file is to be.
   */
  refuse: Tally
  /** What is there already as it would be restored. */
  same: number
}

/** Counts into a plan; of each kind the first `names` paths are kept. */
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
