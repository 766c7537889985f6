import type { Alarm, AlarmStore } from '../domain/alarm-ports.ts'
import { DAY_MS } from '../lib/time-units.ts'
import { alarmSchema } from './alarm-json.ts'
import { insertRows } from './bulk-rows.ts'
import { ALARM_EVENT_TABLE, ALARM_TABLE } from './bulk-tables.ts'
import { NO_CHANGE } from './catalog-change.ts'
import type { CatalogDb, DbTransaction } from './database.ts'
import { saveNotifications } from './notification-store.ts'
import type { CatalogWorld } from './world.ts'

type AlarmWorld = Pick<CatalogWorld, 'db' | 'writes' | 'clock' | 'log'>

/** Cleared alarms that are kept. */
const MAX_CLEARED = 5000
const MAX_EVENTS = 10_000
const MAX_EVENT_AGE_MS = 7 * DAY_MS
/** Rows that are removed with one save, at most. */
const ROWS_PER_SLICE = 500
const RULES_KEY = 'alarm rules'

export function createAlarmStore(world: AlarmWorld): AlarmStore {
  const { db, writes, clock } = world
  const write = (work: (transaction: DbTransaction) => Promise<void>) =>
    writes.run(
      () => db.$transaction(work),
      () => NO_CHANGE,
    )
  return {
    load: () => loadAlarms(world),
    save: (alarms, notifications) =>
      write(async (transaction) => {
        await saveAlarms(transaction, alarms, clock.now())
        await saveNotifications(transaction, notifications)
      }),
    saveRules: (value) =>
      write(async ({ meta }) => {
        const where = { key: RULES_KEY }
        await meta.upsert({ where, create: { ...where, value }, update: { value } })
      }),
    async eventsSince(seq, limit) {
      const rows = await db.alarmEvent.findMany({
        where: { seq: { gt: seq } },
        orderBy: { seq: 'asc' },
        take: limit,
      })
      return rows.flatMap(({ json }) => parseAlarm(world, json))
    },
    async keptEvents() {
      const oldest = await db.alarmEvent.findFirst({ orderBy: { seq: 'asc' }, select: { seq: true } })
      return { after: oldest ? oldest.seq - 1 : 0, upTo: await findLast(db) }
    },
  }
}

async function loadAlarms(world: AlarmWorld) {
  const { db } = world
  const open = await db.alarm.findMany({ where: { clearedAt: null }, select: { json: true } })
  const cleared = await db.alarm.findMany({
    where: { clearedAt: { not: null } },
    orderBy: { clearedAt: 'desc' },
    take: MAX_CLEARED,
    select: { json: true },
  })
  const rules = await db.meta.findUnique({ where: { key: RULES_KEY } })
  const alarms = [...open, ...cleared].flatMap(({ json }) => parseAlarm(world, json))
  alarms.sort((one, other) => one.raisedSeq - other.raisedSeq)
  return { alarms, last: await findLast(db), rules: rules?.value ?? null }
}

/** The newest event is never removed. */
async function findLast(db: CatalogDb): Promise<number> {
  const newest = await db.alarmEvent.findFirst({ orderBy: { seq: 'desc' }, select: { seq: true } })
  return newest?.seq ?? 0
}

async function saveAlarms(transaction: DbTransaction, alarms: readonly Alarm[], now: number): Promise<void> {
  const rows = alarms.map((alarm) => ({ ...alarm, at: now, json: JSON.stringify(alarm) }))
  await insertRows(transaction, ALARM_TABLE, rows)
  await insertRows(transaction, ALARM_EVENT_TABLE, rows)
  await prune(transaction, now)
}

/** Each save removes a little of what is too old or too much. */
async function prune({ alarm, alarmEvent }: DbTransaction, now: number): Promise<void> {
  const oldest = await alarmEvent.findMany({
    orderBy: { seq: 'asc' },
    take: ROWS_PER_SLICE,
    select: { seq: true, at: true },
  })
  const tooMany = (await alarmEvent.count()) - MAX_EVENTS
  const tooOld = oldest.findLastIndex(({ at }) => Number(at) < now - MAX_EVENT_AGE_MS) + 1
  const last = oldest.slice(0, Math.max(tooMany, tooOld)).at(-1)
  if (last) await alarmEvent.deleteMany({ where: { seq: { lte: last.seq } } })
  const first = await alarm.findFirst({
    where: { clearedAt: { not: null } },
    orderBy: { clearedAt: 'desc' },
    skip: MAX_CLEARED,
    select: { clearedAt: true },
  })
  if (first?.clearedAt) await alarm.deleteMany({ where: { clearedAt: { lte: first.clearedAt } } })
}

/** One that cannot be read is left out: if its fault still holds, it is raised again. */
function parseAlarm({ log }: AlarmWorld, json: string): Alarm[] {
  try {
    return [alarmSchema.parse(JSON.parse(json)) as Alarm]
  } catch (error) {
    log.error({ err: error }, 'An alarm of the catalog cannot be read')
    return []
  }
}
