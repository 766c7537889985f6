import { BackupdError } from '../lib/errors.ts'
import type { Alarm, AlarmEvent } from './alarms/alarm.ts'
import type { AlarmQueue } from './alarms/alarm-events.ts'
import { seesAlarm } from './see-alarm.ts'
import type { UserWorld } from './user-world.ts'
import type { World } from './world.ts'

export interface AlarmWatch {
  /** The last event number seen; undefined to start with the open alarms. */
  since?: number | undefined
  /** Called once if the listener is too far behind. */
  onBehind?: (() => void) | undefined
}

const GAP_PAGE = 500

/**
 * Streams the open alarms first (`SNAPSHOT`) or, with `since`, the missed changes; then every change. All in the order of
 * their numbers. Check `since` with checkAlarmsSince() first.
 */
export function watchAlarms(world: UserWorld, watch: AlarmWatch): AsyncIterableIterator<AlarmEvent> {
  const { book } = world.alarms
  const queue = book.events.listen({
    matches: ({ alarm }) => seesAlarm(world, alarm),
    keyOf: ({ alarm }) => alarm.id,
    onBehind: watch.onBehind,
  })
  const events = streamAlarms(world, watch.since, queue)
  return {
    next: () => events.next(),
    return() {
      // The generator may be waiting for an event that never comes.
      queue.discard()
      return events.return(undefined)
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

/** @throws EVENTS_GONE if changes after `since` are no longer kept */
export async function checkAlarmsSince({ ports }: World, since: number): Promise<void> {
  const { after, upTo } = await ports.alarms.keptEvents()
  if (since >= after && since <= upTo) return
  const why =
    since < after
      ? `changes are kept from number ${after + 1} on`
      : `the last number given is ${upTo}; the catalog may have been replaced by an older copy`
  throw new BackupdError('EVENTS_GONE', `Cannot continue after change ${since} of alarms: ${why}`, {
    facts: { since, oldest: after + 1, newest: upTo },
  })
}

async function* streamAlarms(
  world: UserWorld,
  since: number | undefined,
  queue: AlarmQueue,
): AsyncGenerator<AlarmEvent, undefined> {
  let last = since ?? 0
  try {
    const stored = since === undefined ? listSnapshot(world) : streamGap(world, since)
    for await (const event of stored) {
      last = Math.max(last, event.seq)
      yield event
    }
    for (let event = await queue.next(); event; event = await queue.next()) {
      if (event.seq <= last) continue
      yield event
    }
  } finally {
    queue.discard()
  }
}

function listSnapshot(world: UserWorld): AlarmEvent[] {
  return world.alarms.book
    .list()
    .filter((alarm) => alarm.clearedAt === null && seesAlarm(world, alarm))
    .sort((one, other) => one.seq - other.seq)
    .map((alarm) => ({ seq: alarm.seq, kind: 'SNAPSHOT', alarm }))
}

async function* streamGap(world: UserWorld, since: number): AsyncGenerator<AlarmEvent> {
  const { last } = world.alarms.book
  let alarms: Alarm[]
  for (let after = since; after < last; after = alarms.at(-1)?.seq ?? last) {
    alarms = await world.ports.alarms.eventsSince(after, GAP_PAGE)
    for (const alarm of alarms)
      if (alarm.seq <= last && seesAlarm(world, alarm)) yield { seq: alarm.seq, kind: 'CHANGE', alarm }
  }
}
