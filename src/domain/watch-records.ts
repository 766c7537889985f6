import { BackupdError } from '../lib/errors.ts'
import type { KeptRecord } from './ports.ts'
import { type EventFilter, type EventQueue, matchesEventFilter, type RecordEvent } from './record-events.ts'
import type { World } from './world.ts'

export interface Watch extends EventFilter {
  /** The last event number seen; undefined to start with the present state. */
  since?: number | undefined
}

const GAP_PAGE = 500

/**
 * Streams the present state first (`SNAPSHOT`: the requested record, or all that have not ended) or, with `since`, the
 * missed changes of state and the newest progress of running records; then every change. Ends when the controller
 * closes or the listener is too far behind: it can come back with `since`. Check `since` with checkSince() first.
 */
export function watchRecords(world: World, watch: Watch): AsyncIterableIterator<RecordEvent> {
  const queue = world.ledger.events.listen(watch)
  const events = streamEvents(world, watch, queue)
  return {
    next: () => events.next(),
    return() {
      // The generator may be waiting for an event that never comes.
      queue.close()
      return events.return(undefined)
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

/** @throws EVENTS_GONE if changes after `since` are no longer kept */
export async function checkSince(world: World, since: number): Promise<void> {
  const { after, upTo } = await world.ports.records.keptEvents()
  if (since >= after && since <= upTo) return
  const why =
    since < after
      ? `changes are kept from number ${after + 1} on`
      : `the last number given is ${upTo}; the catalog may have been replaced by an older copy`
  throw new BackupdError('EVENTS_GONE', `Cannot continue after event ${since}: ${why}`, {
    facts: { since, oldest: after + 1, newest: upTo },
  })
}

async function* streamEvents(
  world: World,
  watch: Watch,
  queue: EventQueue,
): AsyncGenerator<RecordEvent, undefined> {
  try {
    const sent = new Map<string, number>()
    for await (const event of watch.since === undefined
      ? streamSnapshot(world, watch)
      : streamGap(world, { ...watch, since: watch.since }, queue)) {
      sent.set(event.record.rid, event.seq)
      yield event
    }
    for (let event = await queue.next(); event; event = await queue.next()) {
      if (event.seq > (sent.get(event.record.rid) ?? -1)) yield event
    }
  } finally {
    queue.close()
  }
}

async function* streamSnapshot(world: World, watch: Watch): AsyncGenerator<RecordEvent> {
  const { rid } = watch
  for (const { record, eventSeq } of rid === undefined
    ? await readUnfinished(world)
    : await readKnown(world, [rid])) {
    if (matchesEventFilter(record, watch)) yield { seq: eventSeq, kind: 'SNAPSHOT', record }
  }
}

/** Stored changes of state and the newest progress of running records, in the order of their numbers. */
async function* streamGap(
  world: World,
  watch: Watch & { since: number },
  queue: EventQueue,
): AsyncGenerator<RecordEvent> {
  const { rid, app, since } = watch
  const filter = { ...(rid !== undefined && { rid }), ...(app !== undefined && { app }) }
  const progressed = (await readUnfinished(world)).filter(({ record }) => matchesEventFilter(record, watch))
  let after = since
  for (;;) {
    const kept = await world.ports.records.eventsSince(after, filter, GAP_PAGE)
    // Events were pruned while a slow listener was reading: the stream ends, and `since` then throws EVENTS_GONE.
    if ((await world.ports.records.keptEvents()).after > after) return queue.close()
    const last = kept.length < GAP_PAGE ? Number.POSITIVE_INFINITY : (kept.at(-1)?.eventSeq ?? after)
    yield* mergeEvents(
      kept,
      progressed.filter(({ eventSeq }) => eventSeq > after && eventSeq <= last),
    )
    if (last === Number.POSITIVE_INFINITY) return
    after = last
  }
}

function mergeEvents(kept: KeptRecord[], progressed: KeptRecord[]): RecordEvent[] {
  const bySeq = new Map([...progressed, ...kept].map((change) => [change.eventSeq, change]))
  const inOrder = [...bySeq.values()].sort((one, other) => one.eventSeq - other.eventSeq)
  return inOrder.map(({ record, eventSeq }) => ({ seq: eventSeq, kind: 'CHANGE', record }))
}

async function readUnfinished(world: World): Promise<KeptRecord[]> {
  return readKnown(
    world,
    (await world.ports.records.unfinished()).map(({ rid }) => rid),
  )
}

async function readKnown(world: World, rids: string[]): Promise<KeptRecord[]> {
  const kept = await Promise.all(rids.map((rid) => world.ports.records.get(rid)))
  return kept.filter((each) => each !== undefined)
}
