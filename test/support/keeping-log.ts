import type { Log } from '../../src/lib/log.ts'

/** A log that keeps its lines. */
export function keepingLog(): Log & { lines: string[] } {
  const lines: string[] = []
  const keep = (_facts: object, message: string) => void lines.push(message)
  return { lines, info: keep, warn: keep, error: keep }
}
