/** Unix ms, or ms; NaN where there is none. */
const TIMES = [
  'countedFrom',
  'pausedSince',
  'graceMs',
  'checkAt',
  'lastRunAt',
  'lastGoodAt',
  'newestAt',
  'provenAt',
  'proofFrom',
  'standingSince',
] as const
/** Numbers below 256. */
const CODES = ['isLoaded', 'lastRunState', 'newestState', 'standingState'] as const

export type TimeColumn = (typeof TIMES)[number]
export type CodeColumn = (typeof CODES)[number]

const TIME_AT = indexColumns(TIMES)
const CODE_AT = indexColumns(CODES)

/**
 * The numbers that the board keeps of each job, a row for each job. As properties of objects they would take several
 * times the memory, and the garbage collector would visit all of them.
 */
export class JobNumbers {
  #times: Float64Array
  #codes: Uint8Array
  #used = 0
  readonly #free: number[] = []

  constructor(rows = 64) {
    this.#times = new Float64Array(rows * TIMES.length)
    this.#codes = new Uint8Array(rows * CODES.length)
  }

  /** A row without times, whose codes are 0. */
  add(): number {
    const row = this.#free.pop() ?? this.#used++
    if ((row + 1) * CODES.length > this.#codes.length) this.#grow()
    this.#times.fill(Number.NaN, row * TIMES.length, (row + 1) * TIMES.length)
    this.#codes.fill(0, row * CODES.length, (row + 1) * CODES.length)
    return row
  }

  /** The row may be given to another job. */
  remove(row: number): void {
    this.#free.push(row)
  }

  readTime(row: number, column: TimeColumn): number | null {
    const time = this.#times[row * TIMES.length + TIME_AT[column]] ?? Number.NaN
    return Number.isNaN(time) ? null : time
  }

  writeTime(row: number, column: TimeColumn, time: number | null): void {
    this.#times[row * TIMES.length + TIME_AT[column]] = time ?? Number.NaN
  }

  readCode(row: number, column: CodeColumn): number {
    return this.#codes[row * CODES.length + CODE_AT[column]] ?? 0
  }

  writeCode(row: number, column: CodeColumn, code: number): void {
    this.#codes[row * CODES.length + CODE_AT[column]] = code
  }

  /** Copies a row of this table into a row of another one. */
  copyRow(row: number, to: JobNumbers, toRow: number): void {
    for (const column of TIMES) to.writeTime(toRow, column, this.readTime(row, column))
    for (const column of CODES) to.writeCode(toRow, column, this.readCode(row, column))
  }

  #grow(): void {
    const [times, codes] = [this.#times, this.#codes]
    this.#times = new Float64Array(times.length * 2)
    this.#codes = new Uint8Array(codes.length * 2)
    this.#times.set(times)
    this.#codes.set(codes)
  }
}

function indexColumns<C extends string>(columns: readonly C[]): Record<C, number> {
  return Object.fromEntries(columns.map((column, at) => [column, at])) as Record<C, number>
}
