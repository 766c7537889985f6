import { expect, test } from 'vitest'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'
import { tempCatalog } from '../support/temp-catalog.ts'

test('a record stays on its page when it starts', async () => {
  const { records } = await tempCatalog()
  const at = (minute: number) => `2026-11-23T08:0${minute}:00.000Z`
  const queued = sampleRecord({ rid: ridOf(1), state: 'queued', start: at(0) })
  await records.apply([queued, ...[2, 3].map((n) => sampleRecord({ rid: ridOf(n), start: at(n) }))])
  const first = await records.find({}, { first: 2 })
  await records.apply([sampleRecord({ rid: ridOf(1), seq: 2, start: at(5) })])
  const second = await records.find({}, { first: 2, after: first.items.at(-1)?.cursor ?? '' })
  const seen = [...first.items, ...second.items].map(({ node }) => node.rid)
  expect(seen).toEqual([ridOf(3), ridOf(2), ridOf(1)])
  expect(second.items[0]?.node).toMatchObject({ state: 'running', start: at(5) })
})
