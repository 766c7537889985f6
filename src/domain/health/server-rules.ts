import { byteText } from '../../lib/byte-counts.ts'
import { isoDay } from '../../lib/clock.ts'
import { printDuration } from '../../lib/durations.ts'
import { CAPABILITIES } from '../../wire/capabilities.ts'
import { FULL_DISK_TEXTS } from '../../wire/health-texts.ts'
import type { VerifyDemand } from '../../wire/verify-schedule.ts'
import { isLegacyDaemon, type ServerState } from '../server-state.ts'
import { printTime } from './because.ts'
import type { StoreForecast } from './forecast.ts'

/** Worst first. */
export const SERVER_STATES = [
  'SILENT',
  'STORE_UNAVAILABLE',
  'STORE_FULL',
  'DISK_FULL',
  'CLOCK_OFF',
  'VERIFY_BEHIND',
  'OLD_VERSION',
  'UNKNOWN',
  'OK',
] as const
export type ServerHealthState = (typeof SERVER_STATES)[number]

/** A state that holds, with the reason in one sentence. */
export interface Finding<State> {
  state: State
  because: string
}

export interface ServerFindings {
  server: ServerState
  forecast: StoreForecast
  /** Its clock minus ours, ms; 0 if the difference is within the tolerance, or if ours is in doubt. */
  clockOffsetMs: number
}

/** What is wrong with a server, worst first; exactly one of UNKNOWN and OK if nothing is. */
export function judgeServer(facts: ServerFindings): Finding<ServerHealthState>[] {
  const found = [...findServerStates(facts)]
  if (found.length > 0) return found
  if (facts.server.debug) return [{ state: 'OK', because: describeGood(facts.forecast) }]
  return [{ state: 'UNKNOWN', because: 'Its daemon has not been asked since the controller started' }]
}

function* findServerStates(facts: ServerFindings): Generator<Finding<ServerHealthState>> {
  const { server, forecast } = facts
  const { debug, error, lastSeen } = server
  if (error !== null) yield { state: 'SILENT', because: `${describeSilence(lastSeen)}: ${error}` }
  if (debug?.store?.error)
    yield { state: 'STORE_UNAVAILABLE', because: `Its store cannot be used: ${debug.store.error}` }
  if (forecast.isFull || forecast.fullAt !== null)
    yield { state: 'STORE_FULL', because: describeForecast(forecast) + describeDeleted(server) }
  const full = debug?.problems?.find((text) => text.includes(FULL_DISK_TEXTS.stops))
  if (full !== undefined) yield { state: 'DISK_FULL', because: full }
  const clock = describeClock(facts)
  if (clock !== null) yield { state: 'CLOCK_OFF', because: clock }
  const behind = describeBehind(debug?.verify)
  if (behind !== null) yield { state: 'VERIFY_BEHIND', because: behind }
  const missing = CAPABILITIES.filter((name) => debug && !debug.capabilities?.includes(name))
  if (missing.length > 0) yield { state: 'OLD_VERSION', because: describeVersion(server, missing) }
}

/** The room of a store on S3 may be unknown. */
function describeGood({ freeBytes }: StoreForecast): string {
  return `Its daemon answers, and its store ${freeBytes === null ? 'can be used' : 'has room'}`
}

function describeSilence(lastSeen: string | null): string {
  if (lastSeen === null) return 'Its daemon has never answered'
  return `Its daemon last answered at ${printTime(Date.parse(lastSeen))}`
}

function describeForecast({ isFull, fullAt, freeBytes, bytesPerDay }: StoreForecast): string {
  const free = `${printGib(freeBytes ?? 0)} are free`
  if (isFull || fullAt === null) return `Its store is full: ${free}`
  return `Its store will be full on ${isoDay(fullAt)}: ${free}, and it grows by ${printGib(bytesPerDay)} a day`
}

/** What an operator can free at once. */
function describeDeleted({ debug }: ServerState): string {
  const { backups = 0, bytes = 0, snapshots = 0 } = debug?.store?.deletedRoom ?? {}
  if (backups > 0)
    return `; ${backups} deleted backups that can still be restored take ${printGib(bytes)}. deleteBackups with "now: true" frees that room`
  if (snapshots > 0)
    return `; ${snapshots} deleted snapshots can still be restored. deleteSnapshots with "now: true" frees their room at the next prune`
  return ''
}

function printGib(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`
}

function describeClock({ server: { debug }, clockOffsetMs }: ServerFindings): string | null {
  if (clockOffsetMs !== 0) {
    const how = clockOffsetMs > 0 ? 'ahead of' : 'behind'
    return `Its clock is ${printDuration(Math.abs(clockOffsetMs))} ${how} that of the controller. Check NTP on both`
  }
  return debug?.clock?.inDoubt
    ? 'Its clock is in doubt. Check NTP; if the clock is right, call the mutation confirmClock'
    : null
}

/** null if the budget is enough to keep all backups proven. */
function describeBehind(demand: VerifyDemand | undefined): string | null {
  if (!demand || demand.budgetBytes === null) return null
  const { bytes, nightlyBytes, budgetBytes, tooLarge } = demand
  const budget = `the budget is ${byteText(budgetBytes)}`
  const archives = tooLarge === 1 ? '1 archive is' : `${tooLarge} archives are`
  const large = `${archives} larger than the budget, and so never verified on a schedule`
  const sentences = [
    ...(nightlyBytes > budgetBytes
      ? [
          `${byteText(bytes)} to read within ${printDays(demand)} need ${byteText(nightlyBytes)} a night; ${budget}`,
        ]
      : []),
    ...(tooLarge > 0 ? [nightlyBytes > budgetBytes ? large : `${large}; ${budget}`] : []),
  ]
  return sentences.length > 0 ? `${sentences.join('. ')}. Raise the budget, or the "within"` : null
}

function printDays({ shortestDays, longestDays }: VerifyDemand): string {
  return shortestDays === longestDays ? `${longestDays} days` : `${shortestDays} to ${longestDays} days`
}

function describeVersion(server: ServerState, missing: readonly string[]): string {
  if (isLegacyDaemon(server)) return 'It is a legacy daemon. Install backupd there'
  const version = server.debug?.version ?? 'an unknown version'
  return `Its daemon (${version}) is older than the controller and cannot do all that it asks for: ${missing.join(', ')}. Upgrade it${warnOfPins(missing)}`
}

/** What an older daemon does with pins (wire/pin.ts) and deletes: the reasons in a manifest always counted, those of snapshots came later. */
function warnOfPins(missing: readonly string[]): string {
  if (missing.includes('holds')) return ': it deletes pinned snapshots when they are old enough'
  if (missing.includes('pins')) return ': it keeps what is pinned beyond the end of the pin'
  return missing.includes('undo') ? ': what it deletes cannot be restored' : ''
}
