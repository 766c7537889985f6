import { expect, test } from 'vitest'
import type { RecordStore } from '../../src/domain/ports.ts'
import { RecordLedger } from '../../src/domain/record-ledger.ts'
import { sampleRecord } from '../support/catalog-samples.ts'
import { handClock } from '../support/hand-clock.ts'
import { tempCatalog } from '../support/temp-catalog.ts'

const RUNNING = sampleRecord()

async function ledgerOf(change: Partial<RecordStore> = {}) {
  const { records } = await tempCatalog()
  const clock = handClock()
  const ledger = new RecordLedger({ ...records, ...change }, clock, () => {})
  return { ledger, clock, records }
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
  expect(await ledger.apply([RUNNING])).toBe(true)
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
