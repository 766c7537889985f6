/** Prints a table; each column is as wide as its widest cell, numbers are aligned to the right. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const width = (at: number) => Math.max(...[head, ...rows].map((row) => String(row[at] ?? '').length))
  const formatLine = (row: readonly (string | number)[]) =>
    row
      .map((cell, at) =>
        typeof rows[0]?.[at] === 'number' ? String(cell).padStart(width(at)) : String(cell).padEnd(width(at)),
      )
      .join('  ')
      .trimEnd()
  return [head, ...rows].map(formatLine).join('\n')
}
