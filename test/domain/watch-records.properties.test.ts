import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RecordEvent } from '../../src/domain/record-event.ts'
import type { UserWorld } from '../../src/domain/user-world.ts'
import { watchRecords } from '../../src/domain/watch-records.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { ridOf, sampleProgress, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'

const APPS = ['shop', 'blog']
const END = '2026-11-23T08:45:00Z'

/** All that was ever published, and the runs of this sequence of steps. */
class History {
  readonly published: { event: RecordEvent; isState: boolean }[] = []
  readonly rids: string[] = []
  readonly newest = new Map<string, RecordEvent>()
  readonly #world: UserWorld
  #seq = 1

  constructor(world: UserWorld) {
    this.#world = world
    const { events } = world.ledger
    const publish = events.publish.bind(events)
    events.publish = (event, weight) => {
      this.published.push({ event, isState: weight === 'state' })
      this.newest.set(event.record.rid, event)
      return publish(event, weight)
    }
  }

  get last(): number {
    return this.published.at(-1)?.event.seq ?? 0
  }

  async start(count: number): Promise<void> {
    const records = Array.from({ length: count }, () => {
      const rid = ridOf(++this.#seq)
      this.rids.push(rid)
      return sampleRecord({ rid, args: { app: APPS[this.rids.length % 2] } })
    })
    await this.#world.ledger.apply(records)
  }

  async change(nth: number, how: 'progress' | 'end'): Promise<void> {
    const known = this.newest.get(this.rids[nth % this.rids.length] ?? '')?.record
    if (known) await this.#world.ledger.apply([this.#next(known, how)])
  }

  #next(record: RunRecord, how: 'progress' | 'end'): RunRecord {
    const seq = ++this.#seq
    return how === 'end'
      ? { ...record, seq, state: 'success', end: END }
      : { ...record, seq, progress: sampleProgress(seq) }
  }

  async end(): Promise<void> {
    const live = this.rids
      .map((rid) => this.newest.get(rid)?.record)
      .filter((record) => record?.state === 'running')
    await this.#world.ledger.apply(live.map((record) => this.#next(record as RunRecord, 'end')))
  }
}

/** A client that reads all it gets, unless it pauses. */
class Client {
  readonly got: RecordEvent[] = []
  readonly app: string | undefined
  /** State changes from here on belong to it. */
  readonly from: number
  /** What it must know, as it was when it came. */
  readonly present: RecordEvent[]
  readonly #world: UserWorld
  #events: AsyncIterableIterator<RecordEvent>
  #resume: (() => void) | undefined
  #paused: Promise<void> | undefined
  left = false
  thrownOut = 0

  constructor(world: UserWorld, history: History, { app, since }: { app?: string; since?: number }) {
    this.app = app
    this.from = since ?? history.last
    this.present =
      since === undefined ? [...history.newest.values()].filter((one) => one.record.state === 'running') : []
    this.#world = world
    this.#events = this.#watch(since)
    void this.#read()
  }

  pauseOrResume(): void {
    if (this.#paused) this.resume()
    else
      this.#paused = new Promise((resolve) => {
        this.#resume = resolve
      })
  }

  resume(): void {
    this.#resume?.()
    this.#paused = undefined
  }

  async leave(): Promise<void> {
    this.left = true
    await this.#events.return?.()
  }

  /** If it ever got anything, it wants what came after that. */
  comeBack(): void {
    const last = this.got.at(-1)
    if (!this.left || !last) return
    this.left = false
    this.#events = this.#watch(last.seq)
    void this.#read()
  }

  /** Like a real client, it comes back later if it is thrown out. */
  #watch(since: number | undefined): AsyncIterableIterator<RecordEvent> {
    const onBehind = () => {
      this.left = true
      this.thrownOut += 1
    }
    return watchRecords(this.#world, { app: this.app, since, onBehind })
  }

  wants({ record }: RecordEvent): boolean {
    return this.app === undefined || record.args.app === this.app
  }

  async #read(): Promise<void> {
    for await (const event of this.#events) {
      this.got.push(event)
      await this.#paused
    }
  }
}

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('start' as const), count: fc.constantFrom(1, 2, 130) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constantFrom('progress' as const, 'end' as const), nth: fc.nat(500) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('join' as const),
      app: fc.option(fc.constantFrom(...APPS), { nil: undefined }),
      back: fc.option(fc.nat(40), { nil: undefined }),
      paused: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('pause' as const, 'leave' as const), nth: fc.nat(9) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('turn' as const, 'settle' as const) }) },
)

test('whenever a client comes, pauses, leaves or comes back, it gets each change of state once, in order, and what is present', async () => {
  const { world } = await given.inMemory()
  const history = new History(world)
  world.ledger.events.limits = { events: 150, characters: Number.MAX_SAFE_INTEGER }
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(0, 3, 130),
      fc.array(step, { minLength: 5, maxLength: 40 }),
      async (present, steps) => {
        history.rids.length = 0
        await history.start(present)
        const clients: Client[] = []
        for (const one of steps) {
          const client = 'nth' in one ? clients[one.nth % Math.max(1, clients.length)] : undefined
          if (one.do === 'start') void history.start(one.count)
          else if (one.do === 'progress' || one.do === 'end') void history.change(one.nth, one.do)
          else if (one.do === 'join') {
            const since = one.back === undefined ? undefined : Math.max(0, history.last - one.back)
            const client = new Client(world, history, { app: one.app, since })
            if (one.paused) client.pauseOrResume()
            clients.push(client)
          } else if (one.do === 'pause') client?.pauseOrResume()
          else if (one.do === 'leave') await client?.leave()
          else if (one.do === 'settle') await world.ledger.apply([])
          else await new Promise((resolve) => setImmediate(resolve))
        }
        await drain(world, history, clients)
        for (const client of clients) checkClient(history, client)
        for (const client of clients) await client.leave()
        await history.end()
      },
    ),
    { numRuns: 30 },
  )
  expect(world.ledger.events.listeners).toBe(0)
})

/** Lets each client read up to a change that it wants and that comes last. */
async function drain(world: UserWorld, history: History, clients: Client[]): Promise<void> {
  await world.ledger.apply([])
  await history.start(APPS.length)
  for (const client of clients) {
    client.resume()
    client.comeBack()
  }
  const last = (client: Client) => history.published.findLast(({ event }) => client.wants(event))?.event.seq
  const staying = clients.filter(({ left }) => !left)
  await expect.poll(() => staying.every((client) => client.got.at(-1)?.seq === last(client))).toBe(true)
}

function checkClient({ published }: History, client: Client): void {
  const { got, from, present, left } = client
  expect(new Set(got.map(({ seq }) => seq)).size).toBe(got.length)
  const seqs = got.map(({ seq }) => seq)
  expect(seqs).toEqual(seqs.toSorted((one, other) => one - other))
  expect(got.every((event) => client.wants(event))).toBe(true)
  if (left && got.length === 0) return
  const snapshots = new Map(
    got.filter(({ kind }) => kind === 'SNAPSHOT').map(({ record, seq }) => [record.rid, seq]),
  )
  const wanted = published.filter(({ event, isState }) => isState && event.seq > from && client.wants(event))
  const missed = wanted.filter(({ event: { seq, record } }) => {
    return !got.some((one) => one.seq === seq) && seq > (snapshots.get(record.rid) ?? 0)
  })
  if (!left) expect(missed).toEqual([])
  if (!left) {
    const known = new Set(got.map(({ record }) => record.rid))
    expect(present.filter((one) => client.wants(one) && !known.has(one.record.rid))).toEqual([])
  }
}
