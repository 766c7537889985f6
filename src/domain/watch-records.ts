import { BackupdError } from '../lib/errors.ts'
import type { KeptRecord } from './ports.ts'
import { type Listening, matchesEventFilter, type RecordEvent } from './record-event.ts'
import type { UserWorld } from './user-world.ts'
import { WatchListener } from './watch-listener.ts'
import type { World } from './world.ts'

export interface Watch extends Omit<Listening, 'scope'> {
  /** The last event number seen; undefined to start with the present state. */
  since?: number | undefined
}

interface ScopedWatch extends Watch, Listening {}

const GAP_PAGE = 500
/** Between two pages, the event loop turns once. */
const SNAPSHOT_PAGE = 100

/**
 * Streams the present state first (`SNAPSHOT`: the requested record, or all that have not ended) or, with `since`, the
 * missed changes of state and the newest progress of running records; then every change. All in the order of their
 * numbers, so that whoever leaves misses nothing by coming back with the last number as `since`. Ends when the
 * controller closes or the listener, once it has caught up, is too far behind. Check `since` with checkSince() first.
 */
export function watchRecords(world: UserWorld, asked: Watch): AsyncIterableIterator<RecordEvent> {
  const { scope } = world.caller.principal
  const watch = scope.isWhole ? asked : { ...asked, scope }
  const listener = new WatchListener(world.ledger.events, watch)
  const events = streamEvents(world, watch, listener)
  return {
    next: () => events.next(),
    return() {
      // The generator may be waiting for an event that never comes.
      listener.stop()
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

interface BoundedWatch extends ScopedWatch {
  /** The number of the last event before the queue began: what changed later comes from there. */
  upTo: number
}

async function* streamEvents(
  world: World,
  watch: ScopedWatch,
  listener: WatchListener,
): AsyncGenerator<RecordEvent, undefined> {
  let last = watch.since
  try {
    do {
      const bounded = { ...watch, upTo: listener.upTo }
      const stored =
        last === undefined
          ? streamSnapshot(world, bounded)
          : streamGap(world, { ...bounded, since: last }, listener)
      last = bounded.upTo
      for await (const event of stored) {
        last = Math.max(last, event.seq)
        yield event
      }
      for (let event = await listener.next(); event; event = await listener.next()) {
        if (event.seq <= last) continue
        last = event.seq
        yield event
      }
    } while (listener.listenAgain())
  } finally {
    listener.stop()
  }
}

async function* streamSnapshot(world: World, watch: BoundedWatch): AsyncGenerator<RecordEvent> {
  for await (const page of readSnapshot(world, watch)) {
    yield* page.map((kept) => makeEvent(world, 'SNAPSHOT', kept))
  }
}

/** A single record is told as it is now, even if it changed after `upTo`. */
async function* readSnapshot(world: World, watch: BoundedWatch): AsyncGenerator<KeptRecord[]> {
  if (watch.rid === undefined) return yield* readUnfinished(world, watch)
  const kept = await world.ports.records.get(watch.rid)
  if (kept && matchesEventFilter(kept.record, watch)) yield [kept]
}

async function* readUnfinished(world: World, watch: BoundedWatch): AsyncGenerator<KeptRecord[]> {
  for await (const page of world.ports.records.unfinishedPages(SNAPSHOT_PAGE, watch.upTo)) {
    yield page.filter(({ record }) => matchesEventFilter(record, watch))
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
}

/** Stored changes of state and the newest progress of running records, in the order of their numbers. */
async function* streamGap(
  world: World,
  watch: BoundedWatch & { since: number },
  listener: WatchListener,
): AsyncGenerator<RecordEvent> {
  const { rid, app, since, upTo } = watch
  const filter = { ...(rid !== undefined && { rid }), ...(app !== undefined && { app }) }
  const progressed = await readProgressed(world, watch)
  let after = since
  for (;;) {
    const kept = await world.ports.records.eventsSince(after, filter, GAP_PAGE)
    // Events were pruned while a slow listener was reading: the stream ends, and `since` then throws EVENTS_GONE.
    if ((await world.ports.records.keptEvents()).after > after) return listener.stop()
    const last = kept.length < GAP_PAGE ? upTo : Math.min(upTo, kept.at(-1)?.eventSeq ?? upTo)
    yield* mergeEvents(
      kept.filter(({ record, eventSeq }) => eventSeq <= last && matchesEventFilter(record, watch)),
      progressed.filter(({ eventSeq }) => eventSeq > after && eventSeq <= last),
    ).map((change) => makeEvent(world, 'CHANGE', change))
    if (last === upTo) return
    after = last
  }
}

/** The unfinished records that changed after `since`. */
async function readProgressed(world: World, watch: BoundedWatch & { since: number }): Promise<KeptRecord[]> {
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
