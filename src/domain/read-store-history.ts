import { isoDay } from '../lib/clock.ts'
import { BackupdError } from '../lib/errors.ts'
import { DAY_MS } from '../lib/time-units.ts'
import { type Answer, refuse } from './answer.ts'
import type { KeptStoreDay } from './health-ports.ts'
import { refuseUnlessPermitted } from './permission.ts'
import type { UserWorld } from './user-world.ts'
import { MAX_DAYS } from './volume-days.ts'

export interface StoreRoomHistory {
  server: string
  /** Oldest first; days on which the daemon did not answer are left out. */
  days: { date: string; usedBytes: number; freeBytes: number }[]
}

export interface StoreHistoryQuestion {
  days: number
  /** All servers if it is left out. */
  server?: string | undefined
}

/** Days of all servers together that an answer has. */
export const MAX_STORE_DAYS = 12_000

/**
 * The room of the store of each server on each of the last days, as it was last told on that day (UTC). It counts what lies
 * there of any app, so it is refused without a role for everything. Throws BAD_INPUT for a time that is too long.
 */
export async function readStoreHistory(
  world: UserWorld,
  { days: count, server: wanted }: StoreHistoryQuestion,
): Promise<Answer<StoreRoomHistory[]>> {
  const refusal = refuseUnlessPermitted(world, 'view', 'everything')
  if (refusal) return refusal
  if (count < 1 || count > MAX_DAYS)
    throw new BackupdError('BAD_INPUT', `days: ${count} is not a number of days: ask for 1 to ${MAX_DAYS}`)
  const now = world.health.clock.now()
  const from = isoDay(now - (count - 1) * DAY_MS)
  const rows = new Map<string, KeptStoreDay>()
  const add = (row: KeptStoreDay) => {
    if (row.day < from || (wanted !== undefined && row.server !== wanted)) return
    rows.set(`${row.server} ${row.day}`, row)
  }
  for (const row of await world.ports.health.loadStoreDays(from)) add(row)
  // What is on disk of the present day is up to an hour old.
  for (const server of world.servers.keys())
    for (const sample of world.health.stores.list(server)) add({ server, day: isoDay(sample.at), ...sample })
  if (rows.size > MAX_STORE_DAYS) return refuseLong(rows.size)
  return groupByServer([...rows.values()])
}

function refuseLong(found: number): Answer<never> {
  const message = `The history has ${found} days of all servers together, expected at most ${MAX_STORE_DAYS}: ask for fewer days, or for one server`
  return refuse('BAD_INPUT', message, { found })
}

function groupByServer(rows: readonly KeptStoreDay[]): StoreRoomHistory[] {
  const sorted = rows.toSorted((one, other) => (one.day < other.day ? -1 : 1))
  const byServer = Map.groupBy(sorted, ({ server }) => server)
  return [...byServer]
    .map(([server, days]) => ({ server, days: days.map(toDay) }))
    .sort((one, other) => (one.server < other.server ? -1 : 1))
}

function toDay({ day, usedBytes, freeBytes }: KeptStoreDay) {
  return { date: day, usedBytes, freeBytes }
}
