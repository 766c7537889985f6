import { isoTime } from '../../lib/clock.ts'
import { DAY_MS } from '../../lib/time-units.ts'
import { trustedNow, type World } from '../world.ts'
import { listLacking } from './list-lacking.ts'
import { nameSome } from './report-enrolments.ts'

const SOURCE = 'authority'
const WARNED_BEFORE_MS = 365 * DAY_MS
/** Two authorities are trusted until the rotation ends, so it should not be forgotten. */
const ROTATION_SHOWN_MS = 7 * DAY_MS

/** Reports an authority that ends soon, and a rotation that was not finished. Call it now and then, and after each change. */
export function reportAuthorities(world: World): void {
  const reports = [
    ['expires', describeEnd(world)],
    ['rotation', describeRotation(world)],
  ] as const
  world.problems.replace(
    SOURCE,
    reports.flatMap(([key, text]) => (text === undefined ? [] : [{ key, text }])),
  )
}

/** Once there is a next authority, that one counts. */
function describeEnd(world: World): string | undefined {
  const newest = world.ports.authority?.known.at(-1)
  if (!newest || newest.expiresAt - trustedNow(world) > WARNED_BEFORE_MS) return undefined
  return `The authority that certifies daemons expires at ${isoTime(newest.expiresAt)}: make the next one with "backupd ca rotate"; docs/security.md says how`
}

function describeRotation(world: World): string | undefined {
  const [, next] = world.ports.authority?.known ?? []
  if (!next || trustedNow(world) - next.createdAt < ROTATION_SHOWN_MS) return undefined
  const lacking = listLacking(world, next.fingerprint)
  const since = `The rotation of the authority that began at ${isoTime(next.createdAt)}`
  if (lacking.length === 0)
    return `${since} can end, because all daemons have the new one: "backupd ca retire"`
  return `${since} waits for the daemons on ${nameSome(lacking)}: start or upgrade them, or revoke them, then run "backupd ca retire"`
}
