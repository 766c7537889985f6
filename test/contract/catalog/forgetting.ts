import { expect, test } from 'vitest'
import type { RecordStore } from '../../../src/domain/ports.ts'
import type { RunRecord } from '../../../src/wire/record.ts'
import { ridOf, sampleBackup, sampleRecord } from '../../support/catalog-samples.ts'
import { type MakePlace, openEmpty } from './place.ts'

const LATER = '2030-01-01T00:00:00.000Z'

function ended(n: number, changes: Partial<RunRecord> = {}): RunRecord {
  const end = '2026-11-23T08:50:00Z'
  return sampleRecord({ rid: ridOf(n), seq: 2, state: 'success', jobId: '', end, ...changes })
}

/** Forgets slice by slice; returns how many went. */
async function forgetAll(records: RecordStore, before = LATER): Promise<number> {
  let [deleted, after] = [0, null as string | null]
  do {
    const slice = await records.forget({ before, after })
    deleted += slice.deleted
    after = slice.next
  } while (after !== null)
  return deleted
}

async function ridsOf(records: RecordStore): Promise<number[]> {
  const { items } = await records.find({}, { first: 1000 })
  return items.map(({ node }) => Number.parseInt(node.rid.slice(-8), 16)).sort((a, b) => a - b)
}

/** Which records a catalog lets go, and which it keeps. */
export function forgetDemands(makePlace: MakePlace): void {
  test('a run that has not ended keeps its record, however old', async () => {
    const { records } = await openEmpty(makePlace)
    await records.apply([
      sampleRecord({ rid: ridOf(1), jobId: '' }),
      sampleRecord({ rid: ridOf(2), jobId: '', state: 'queued' }),
      ended(3),
    ])
    expect(await forgetAll(records)).toBe(1)
    expect(await ridsOf(records)).toEqual([1, 2])
  })

  test('the newest record of a job and one that a backup refers to are kept', async () => {
    const { records } = await openEmpty(makePlace)
    const backup = sampleBackup({ rid: ridOf(2) })
    await records.apply([
      ended(1, { jobId: 'j' }),
      ended(2, { jobId: 'j', start: '2026-11-23T08:45:00Z', result: { backup } }),
      ended(3, { jobId: 'j', start: '2026-11-23T08:46:00Z' }),
    ])
    expect(await forgetAll(records)).toBe(1)
    expect(await ridsOf(records)).toEqual([2, 3])
  })

  test('what was requested later than asked for stays, to the millisecond', async () => {
    const { records } = await openEmpty(makePlace)
    await records.apply([
      ended(1, { start: '2026-11-23T08:44:53.999Z' }),
      ended(2, { start: '2026-11-23T08:44:54.000Z' }),
    ])
    expect(await forgetAll(records, '2026-11-23T08:44:54.000Z')).toBe(1)
    expect(await ridsOf(records)).toEqual([2])
  })

  test('slices meet without a gap, however many records there are', async () => {
    const { records } = await openEmpty(makePlace)
    await records.apply(Array.from({ length: 700 }, (_, n) => ended(n + 10)))
    expect(await forgetAll(records)).toBe(700)
    expect(await ridsOf(records)).toEqual([])
  })
}
