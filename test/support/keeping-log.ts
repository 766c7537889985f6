import type { Log } from '../../src/lib/log.ts'

/** A log that keeps its lines. */
export function keepingLog(): Log & { lines: string[]; facts: object[] } {
  const [lines, facts]: [string[], object[]] = [[], []]
  const keep = (more: object, message: string) => {
    lines.push(message)
    facts.push(more)
  }
  return { lines, facts, info: keep, warn: keep, error: keep }
}
