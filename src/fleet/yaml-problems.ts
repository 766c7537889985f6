import type { LineCounter, YAMLError } from 'yaml'

/** Something wrong in a file; both count from 1. */
export interface Problem {
  line: number
  column: number
  message: string
}

/** More are counted, not listed. */
const MOST_LISTED = 20

/** One line for one problem, else one more for each. */
export function printProblems(file: string, problems: readonly Problem[]): string {
  const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column)
  const lines = sorted
    .slice(0, MOST_LISTED)
    .map(({ line, column, message }) => `line ${line}, column ${column}: ${message}`)
  if (sorted.length > MOST_LISTED) lines.push(`and ${sorted.length - MOST_LISTED} more`)
  const head = `The inventory ${file} cannot be used:`
  return lines.length === 1 ? `${head} ${lines[0]}` : [head, ...lines].join('\n  ')
}

/** The YAML parser's words for what people get wrong most are hard to act on. */
const PLAIN_WORDS: Partial<Record<YAMLError['code'], string>> = {
  BAD_ALIAS: 'a text that begins with * must stand in quotes, such as "0 5 * * *"',
  TAB_AS_INDENT: 'tabs cannot indent: use spaces',
  MULTIPLE_DOCS: 'one document is enough: take out this "---" and what follows it',
}

/** The first problem of each line: the rest mostly follow from it. */
export function syntaxProblems(errors: readonly YAMLError[], lines: LineCounter): Problem[] {
  const byLine = new Map<number, Problem>()
  for (const { code, message, pos } of errors) {
    const { line, col } = lines.linePos(pos[0])
    const hint = code === 'BAD_SCALAR_START' ? `${message}: put the text in quotes` : message
    if (!byLine.has(line)) byLine.set(line, { line, column: col, message: PLAIN_WORDS[code] ?? hint })
  }
  return [...byLine.values()]
}
