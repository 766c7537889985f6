type Line = readonly (string | number)[]

/** Prints a table; each column is as wide as its widest cell, numbers are aligned to the right. */
export function formatTable(head: readonly string[], rows: readonly Line[]): string {
  const lines: Line[] = [head, ...rows]
  const widths = measureColumns(lines)
  const formatLine = (line: Line) =>
    line
      .map((cell, at) => {
        const width = widths[at] ?? 0
        return typeof rows[0]?.[at] === 'number' ? String(cell).padStart(width) : String(cell).padEnd(width)
      })
      .join('  ')
      .trimEnd()
  return lines.map(formatLine).join('\n')
}

/** In one pass, because an inventory can have 200,000 lines. */
function measureColumns(lines: readonly Line[]): number[] {
  const widths: number[] = []
  for (const line of lines) {
    for (const [at, cell] of line.entries()) widths[at] = Math.max(widths[at] ?? 0, String(cell).length)
  }
  return widths
}
