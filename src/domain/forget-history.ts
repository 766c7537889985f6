import { isoTime } from '../lib/clock.ts'
import { DAY_MS, HOUR_MS } from '../lib/time-units.ts'
import { MAX_DAYS } from './volume-days.ts'
import { trustedNow, type World } from './world.ts'

const FORGET_INTERVAL_MS = HOUR_MS

/** Deletes old records and audit entries, slice by slice, at most once an hour; call it as often as you like. */
export function forgetHistoryIfDue(world: World): void {
  const now = world.clock.now()
  const { forgottenAt } = world.history
  if (forgottenAt !== null && Math.abs(now - forgottenAt) < FORGET_INTERVAL_MS) return
  world.history.forgottenAt = now
  void world.background.run('delete old records', () => forgetHistory(world))
}

export async function forgetHistory(world: World): Promise<void> {
  const { ports, settings, log } = world
  const before = findLimit(world, settings.keepRecordsMs)
  let records = 0
  let next: string | null = null
  do {
    const slice = await ports.records.forget({ before, after: next })
    records += slice.deleted
    next = slice.next
  } while (next !== null && !world.history.closing)
  const audits = await forgetAudit(world)
  await forgetPeriods(world)
  if (records + audits > 0) log.info({ records, audits, before }, 'Old records were deleted')
}

async function forgetAudit(world: World): Promise<number> {
  const { ports, settings, clock, history } = world
  const before = findLimit(world, settings.keepAuditMs ?? settings.keepRecordsMs)
  let audits = 0
  for (let count = 1; count > 0 && !history.closing; audits += count)
    count = await ports.audit.forget(before, isoTime(clock.now()))
  return audits
}

function findLimit(world: World, keepMs: number): string {
  return isoTime(trustedNow(world) - keepMs)
}

/** Deletes what `days` can no longer ask about. */
async function forgetPeriods(world: World): Promise<void> {
  const before = trustedNow(world) - (MAX_DAYS + 1) * DAY_MS
  for (let count = 1; count > 0 && !world.history.closing; )
    count = await world.ports.health.forgetPeriods(before)
}
