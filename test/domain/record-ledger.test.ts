import { expect, test } from 'vitest'
import { OwnStalls } from '../../src/domain/own-stalls.ts'
import type { RecordStore } from '../../src/domain/ports.ts'
import { RecordLedger } from '../../src/domain/record-ledger.ts'
import { BackupdError } from '../../src/lib/errors.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'
import { handClock } from '../support/hand-clock.ts'
import { tempCatalog } from '../support/temp-catalog.ts'

const RUNNING = sampleRecord()

async function ledgerOf(change: Partial<RecordStore> = {}) {
  const { records } = await tempCatalog()
  const clock = handClock()
  const stalls = new OwnStalls(clock)
  const ledger = new RecordLedger({ ...records, ...change }, { clock, stalls, onChange: () => {} })
  return { ledger, clock, records, stalls }
}

test('a batch that cannot be stored does not block later ones', async () => {
  let fails = true
  const { records } = await tempCatalog()
  const { ledger } = await ledgerOf({
    async apply(news) {
      if (fails) throw new Error('the disk is full')
      return records.apply(news)
    },
  })
  await expect(ledger.apply([RUNNING])).rejects.toThrow('the disk is full')
  fails = false
  expect(await ledger.apply([RUNNING])).toEqual(new Set([RUNNING.rid]))
})

test('only the server of a run can report that it is alive', async () => {
  const { ledger, clock } = await ledgerOf()
  await ledger.apply([RUNNING])
  clock.move(60_000)
  ledger.noteAlive([RUNNING.rid], '10.9.9.9')
  expect(ledger.listSilent(59_000).map(({ record }) => record.rid)).toEqual([RUNNING.rid])
  ledger.noteAlive([RUNNING.rid], RUNNING.server)
  expect(ledger.listSilent(59_000)).toEqual([])
})

/** A ledger whose store shows what it was asked to store together. */
async function watchedLedger(refuse: (news: RunRecord[]) => Error | undefined = () => undefined) {
  const { records } = await tempCatalog()
  const batches: RunRecord[][] = []
  const made = await ledgerOf({
    async apply(news) {
      const refusal = refuse(news)
      if (refusal) throw refusal
      batches.push(news)
      return records.apply(news)
    },
  })
  return { ...made, records, batches, sizes: () => batches.map(({ length }) => length) }
}

const runOf = (n: number) => sampleRecord({ rid: ridOf(n), jobId: '', server: `10.0.0.${1 + (n % 9)}` })

test('news that waits is stored in one transaction, up to a limit', async () => {
  const { ledger, sizes, records } = await watchedLedger()
  const posts = Array.from({ length: 24 }, (_, post) =>
    Array.from({ length: 50 }, (_, n) => runOf(post * 50 + n)),
  )
  await Promise.all(posts.map((post) => ledger.apply(post)))
  expect(sizes()).toEqual([500, 500, 200])
  expect(await records.unfinished()).toHaveLength(1200)
})

test('a single post above the limit is stored alone', async () => {
  const { ledger, sizes } = await watchedLedger()
  const large = Array.from({ length: 700 }, (_, n) => runOf(n + 10))
  await Promise.all([ledger.apply([runOf(1)]), ledger.apply(large), ledger.apply([runOf(2)])])
  expect(sizes()).toEqual([1, 700, 1])
})

test.each([new Error('poison'), new BackupdError('BAD_INPUT', 'poison')])(
  'a record that cannot be stored fails its own post only: %s',
  async (poison) => {
    const { ledger, records } = await watchedLedger((news) =>
      news.some(({ rid }) => rid === ridOf(7)) ? poison : undefined,
    )
    const ended = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => ledger.apply([runOf(n)])))
    expect(ended.map(({ status }) => status).filter((status) => status === 'rejected')).toHaveLength(1)
    expect(ended[7]).toMatchObject({ reason: poison })
    expect(await records.unfinished()).toHaveLength(19)
  },
)

test('if the whole catalog cannot be used, waiting posts fail together, and nothing is tried again', async () => {
  let tries = 0
  const { ledger } = await watchedLedger(() => {
    tries++
    return new BackupdError('CATALOG_UNUSABLE', 'the disk is gone')
  })
  const ended = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => ledger.apply([runOf(n)])))
  expect(ended.every(({ status }) => status === 'rejected')).toBe(true)
  expect(tries).toBe(1)
})

test('versions that a later one of the same batch replaces are skipped, and each post learns of its changes', async () => {
  const { ledger, batches } = await watchedLedger()
  const [one, other] = [runOf(1), runOf(2)]
  const end = { ...one, seq: 9, state: 'success', end: '2026-11-23T08:45:00Z' } as const
  const changed = await Promise.all([
    ledger.apply([{ ...one, seq: 0, state: 'queued' }, one, other]),
    ledger.apply([{ ...one, seq: 5 }, end, { ...one, seq: 12 }]),
    ledger.apply([{ ...other, server: '10.9.9.9' }]),
  ])
  expect(batches).toEqual([[other, end, { ...other, server: '10.9.9.9' }]])
  expect(changed).toEqual([new Set([one.rid, other.rid]), new Set([one.rid]), new Set()])
  expect(ledger.serverOfLive(other.rid)).toBe(other.server)
  expect(ledger.isLive(one.rid)).toBe(false)
})

test('a stall of the controller does not count as silence of a run', async () => {
  const { ledger, clock, stalls } = await ledgerOf()
  stalls.noteTurn()
  await ledger.apply([RUNNING])
  clock.move(61_000)
  // Also before the first turn after the stall.
  expect(ledger.listSilent(60_000)).toEqual([])
  stalls.noteTurn()
  expect(ledger.listSilent(60_000)).toEqual([])
  for (let turn = 0; turn < 59; turn++) {
    clock.move(1000)
    stalls.noteTurn()
  }
  expect(ledger.listSilent(60_000)).toEqual([])
  clock.move(1001)
  stalls.noteTurn()
  expect(ledger.listSilent(60_000).map(({ record }) => record.rid)).toEqual([RUNNING.rid])
})

test('a large batch for many listeners is published in order, and other work runs meanwhile', async () => {
  const { ledger } = await ledgerOf()
  let turns = 0
  const turn = () => {
    turns += 1
    if (published.length < 100) setImmediate(turn)
  }
  const published: { seq: number; turns: number }[] = []
  const publish = ledger.events.publish.bind(ledger.events)
  ledger.events.publish = (event, weight) => {
    published.push({ seq: event.seq, turns })
    if (published.length === 1) setImmediate(turn)
    return publish(event, weight)
  }
  const queues = Array.from({ length: 300 }, () => ledger.events.listen({}))
  await ledger.apply(Array.from({ length: 100 }, (_, n) => runOf(n)))
  const seqs = published.map(({ seq }) => seq)
  expect(seqs).toEqual(seqs.toSorted((one, other) => one - other))
  expect(published.at(-1)?.turns).toBeGreaterThanOrEqual(2)
  for (const queue of queues) for (const seq of seqs) expect((await queue.next())?.seq).toBe(seq)
})
