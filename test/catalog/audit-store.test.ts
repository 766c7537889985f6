import { expect, test } from 'vitest'
import { tempCatalog } from '../support/temp-catalog.ts'

const OLD = '2026-01-01T00:00:00Z'
const NEW = '2026-02-01T00:00:00Z'
const NOW = '2026-03-01T00:00:00Z'

/** An audit with two old entries and two newer ones. */
async function startAudit() {
  const { audit } = await tempCatalog()
  for (const [verb, at] of [
    ['a', OLD],
    ['b', OLD],
    ['c', NEW],
    ['d', NEW],
  ] as const)
    await audit.write({ at, who: 'operator', verb, facts: {}, outcome: 'done' })
  const list = async () => (await audit.find({}, { first: 50 })).items.map(({ node }) => node).reverse()
  return { audit, list }
}

test('the checkpoint has the number and the hash of the last entry that was deleted', async () => {
  const { audit, list } = await startAudit()
  const hash = await audit.hashOf(2)
  expect(await audit.forget(NEW, NOW)).toBe(2)
  const left = await list()
  expect(left.map(({ id, verb }) => [id, verb])).toEqual([
    [3, 'c'],
    [4, 'd'],
    [5, 'pruneAudit'],
  ])
  expect(left.at(-1)).toMatchObject({ at: NOW, facts: { id: 2, hash } })
  expect(audit.head).toEqual({ id: 5, hash: await audit.hashOf(5) })
})

test('an old entry behind a newer one stays, so that the chain has no gap', async () => {
  const { audit, list } = await startAudit()
  await audit.write({ at: OLD, who: 'operator', verb: 'late', facts: {}, outcome: 'done' })
  await audit.forget(NEW, NOW)
  expect((await list()).map(({ verb }) => verb)).toEqual(['c', 'd', 'late', 'pruneAudit'])
  expect(await audit.forget(NEW, NOW)).toBe(0)
})

test('writes at once get numbers of their own, in one chain', async () => {
  const { audit, list } = await startAudit()
  const write = (verb: string) => audit.write({ at: NOW, who: 'operator', verb, facts: {}, outcome: 'done' })
  expect(await Promise.all(['e', 'f', 'g'].map(write))).toEqual([5, 6, 7])
  expect((await list()).map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7])
  expect(audit.head?.id).toBe(7)
})
