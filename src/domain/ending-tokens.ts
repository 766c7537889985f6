import { DAY_MS } from '../lib/time-units.ts'
import type { StoredToken } from './access/token-book.ts'
import { trustedNow, type World } from './world.ts'

const SOURCE = 'tokens'
const WARNED_BEFORE_MS = 14 * DAY_MS
/** Of the life of a token that is made for less than 56 days. */
const WARNED_PART = 0.25
const MAX_REPORTED = 20

/** Reports tokens that end soon, and logs each once. Call it now and then, and after tokens have changed. */
export function reportEndingTokens(world: World): void {
  const { problems, log } = world
  const now = trustedNow(world)
  const ending = world.tokens.list().filter((token) => endsSoon(token, now))
  const soonest = ending.toSorted((one, other) => readEnd(one) - readEnd(other))
  const reports = soonest.slice(0, MAX_REPORTED).map(makeReport)
  for (const { key, text } of reports) if (!problems.has(SOURCE, key)) log.warn({}, text)
  const more = ending.length - MAX_REPORTED
  if (more > 0) reports.push({ key: 'more', text: `${more} more tokens end soon: see "backupd token list"` })
  problems.replace(SOURCE, reports)
}

function makeReport({ id, name, expiresAt }: StoredToken) {
  const text = `The token "${name}" (${id}) ends at ${expiresAt}. Replace it where it is used, then revoke it; docs/security.md#tokens`
  return { key: id, text }
}

function endsSoon(token: StoredToken, now: number): boolean {
  if (token.expiresAt === null) return false
  const [end, life] = [readEnd(token), readEnd(token) - Date.parse(token.createdAt)]
  return end > now && end - now <= Math.min(WARNED_BEFORE_MS, life * WARNED_PART)
}

function readEnd({ expiresAt }: StoredToken): number {
  return Date.parse(expiresAt ?? '')
}
