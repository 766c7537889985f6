import { isMoment } from './fields.ts'

/**
 * Why a backup is kept whatever its age: the first run after it was unusual, and nobody has acknowledged that. It is one
 * of the texts in `holds`, because versions that do not know it keep and respect those.
 */
export interface UnusualHold {
  /** ISO 8601: when the unusual run was judged. */
  at: string
  /** The unusual run. */
  rid: string
  /** What is unusual, with the numbers. */
  because: string
}

/** So that a volume whose runs are often unusual does not fill the store; the first ones stay. */
export const MAX_UNUSUAL_HOLDS = 3

const HOLD = /^unusual (?<at>\S+) (?<rid>[\w-]{1,64}): (?<because>.+)$/s

export function printUnusualHold({ at, rid, because }: UnusualHold): string {
  return `unusual ${at} ${rid}: ${because}`
}

/** undefined for a reason of another kind. */
export function parseUnusualHold(text: string): UnusualHold | undefined {
  const { at = '', rid = '', because = '' } = HOLD.exec(text)?.groups ?? {}
  return isMoment(at) ? { at, rid, because } : undefined
}

export function isUnusualHold(text: string): boolean {
  return parseUnusualHold(text) !== undefined
}

/** The first of them; undefined if there is none. */
export function findUnusualHold(holds: readonly string[]): UnusualHold | undefined {
  const found = holds.flatMap((text) => parseUnusualHold(text) ?? [])
  return found.toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at))[0]
}
