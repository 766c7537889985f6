import { BackupdError } from '../lib/errors.ts'
import type { EventQueue } from './event-queue.ts'
import type { KeptRecord } from './ports.ts'
import { type Listening, matchesEventFilter, type RecordEvent } from './record-event.ts'
import type { World } from './world.ts'

export interface Watch extends Listening {
  /** The last event number seen; undefined to start with the present state. */
  since?: number | undefined
}

const GAP_PAGE = 500
/** Between two pages, the event loop turns once. */
const SNAPSHOT_PAGE = 100

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
      queue.discard()
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
    const sent = new SentEvents()
    for await (const event of watch.since === undefined
      ? streamSnapshot(world, watch)
      : streamGap(world, { ...watch, since: watch.since }, queue)) {
      sent.add(event)
      yield event
    }
    for (let event = await queue.next(); event; event = await queue.next())
      if (!sent.covers(event)) yield event
  } finally {
    queue.close()
  }
}

/** What the snapshot or the gap told, to leave it out when it comes from the queue as well. */
class SentEvents {
  readonly #seqs = new Map<string, number>()
  #highest = -1

  add({ record, seq }: RecordEvent): void {
    this.#seqs.set(record.rid, seq)
    this.#highest = Math.max(this.#highest, seq)
  }

  /** Pass events in the order of their numbers: after the highest one that was sent, nothing needs to be known. */
  covers({ record, seq }: RecordEvent): boolean {
    if (seq > this.#highest) this.#seqs.clear()
    return seq <= (this.#seqs.get(record.rid) ?? -1)
  }
}

async function* streamSnapshot(world: World, watch: Watch): AsyncGenerator<RecordEvent> {
  for await (const page of readSnapshot(world, watch)) {
    yield* page.map((kept) => makeEvent(world, 'SNAPSHOT', kept))
  }
}

async function* readSnapshot(world: World, watch: Watch): AsyncGenerator<KeptRecord[]> {
  if (watch.rid === undefined) return yield* readUnfinished(world, watch)
  const kept = await world.ports.records.get(watch.rid)
  if (kept && matchesEventFilter(kept.record, watch)) yield [kept]
}

async function* readUnfinished(world: World, watch: Watch): AsyncGenerator<KeptRecord[]> {
  for await (const page of world.ports.records.unfinishedPages(SNAPSHOT_PAGE)) {
    yield page.filter(({ record }) => matchesEventFilter(record, watch))
    await new Promise<void>((resolve) => setImmediate(resolve))
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
  const progressed = await readProgressed(world, watch)
  let after = since
  for (;;) {
    const kept = await world.ports.records.eventsSince(after, filter, GAP_PAGE)
    // Events were pruned while a slow listener was reading: the stream ends, and `since` then throws EVENTS_GONE.
    if ((await world.ports.records.keptEvents()).after > after) return queue.close()
    const last = kept.length < GAP_PAGE ? Number.POSITIVE_INFINITY : (kept.at(-1)?.eventSeq ?? after)
    yield* mergeEvents(
      kept,
      progressed.filter(({ eventSeq }) => eventSeq > after && eventSeq <= last),
    ).map((change) => makeEvent(world, 'CHANGE', change))
    if (last === Number.POSITIVE_INFINITY) return
    after = last
  }
}

/** The unfinished records that changed after `since`. */
async function readProgressed(world: World, watch: Watch & { since: number }): Promise<KeptRecord[]> {
  const progressed: KeptRecord[] = []
  for await (const page of readUnfinished(world, watch))
    progressed.push(...page.filter(({ eventSeq }) => eventSeq > watch.since))
  return progressed
}

function mergeEvents(kept: KeptRecord[], progressed: KeptRecord[]): KeptRecord[] {
  const bySeq = new Map([...progressed, ...kept].map((change) => [change.eventSeq, change]))
  return [...bySeq.values()].sort((one, other) => one.eventSeq - other.eventSeq)
}

function makeEvent({ ledger, clock }: World, kind: RecordEvent['kind'], kept: KeptRecord): RecordEvent {
  return ledger.events.recent.makeEvent(kind, kept, clock.now())
}
