import type { LineCounter, YAMLError } from 'yaml'

/** A problem in a file; line and column count from 1. */
export interface YamlProblem {
  line: number
  column: number
  message: string
}

/** How many are listed; the rest are counted. */
const MAX_LISTED_PROBLEMS = 20

/**
 * Prints one problem on one line, several as a list below a heading.
 * @param what the kind and the name of the file: `inventory /etc/inventory.yaml`
 */
export function printProblems(what: string, problems: readonly YamlProblem[]): string {
  const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column)
  const lines = sorted
    .slice(0, MAX_LISTED_PROBLEMS)
    .map(({ line, column, message }) => `line ${line}, column ${column}: ${message}`)
  if (sorted.length > MAX_LISTED_PROBLEMS) lines.push(`and ${sorted.length - MAX_LISTED_PROBLEMS} more`)
  const head = `The ${what} cannot be used:`
  return lines.length === 1 ? `${head} ${lines[0]}` : [head, ...lines].join('\n  ')
}

/** Replaces the YAML parser's texts for the most common mistakes, which are hard to act on. */
const PLAIN_MESSAGES: Partial<Record<YAMLError['code'], string>> = {
  BAD_ALIAS: 'a text that begins with * must be in quotes, such as "0 5 * * *"',
  TAB_AS_INDENT: 'tabs cannot indent: use spaces',
  MULTIPLE_DOCS: 'a file has one document only: remove this "---" and what follows it',
}

/** Keeps the first problem of each line, because the others usually follow from it. */
export function toProblems(errors: readonly YAMLError[], lines: LineCounter): YamlProblem[] {
  const byLine = new Map<number, YamlProblem>()
  for (const { code, message, pos } of errors) {
    const { line, col } = lines.linePos(pos[0])
    if (!byLine.has(line))
      byLine.set(line, { line, column: col, message: PLAIN_MESSAGES[code] ?? hintFor(code, message) })
  }
  return [...byLine.values()]
}

function hintFor(code: YAMLError['code'], message: string): string {
  if (code === 'BAD_SCALAR_START') return `${message}: put the text in quotes`
  // The parser recurses, and reports the end of its stack as a mistake in the text.
  if (message.includes('call stack')) return 'this is nested too deeply'
  return message
}

/** Leaves out what a text of the parser repeats of the file: it stands last. */
export function hideText({ message, ...place }: YamlProblem): YamlProblem {
  return { ...place, message: message.replace(/(escape sequence|extra characters|tag|token):? .*/s, '$1') }
}
