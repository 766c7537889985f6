import type { Row } from './row.ts'

/** The measured program, and its number for each row, by the row's name. */
export interface Column {
  name: string
  numbers: Map<string, number>
}

/** Prints the numbers of each row side by side, with the target. */
export function printTable(rows: readonly Row[], columns: readonly Column[]): void {
  const width = Math.max(...rows.map(({ title }) => title.length))
  const heads = columns.map(({ name }) => name.padStart(12)).join('')
  console.log(`\n${'what'.padEnd(width)}${heads}   target`)
  for (const row of rows) {
    const numbers = columns
      .map((column) => printNumber(row, column.numbers.get(row.name)).padStart(12))
      .join('')
    console.log(`${row.title.padEnd(width)}${numbers}   ${row.target}`)
  }
}

export function printNumber({ digits = 0 }: Row, number = Number.NaN): string {
  if (Number.isNaN(number)) return '—'
  return Number.isFinite(number) ? number.toFixed(digits) : 'never'
}
