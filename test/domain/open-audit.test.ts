import { expect, test } from 'vitest'
import { openAudit } from '../../src/domain/open-audit.ts'
import type { World } from '../../src/domain/world.ts'
import { BEGUN } from '../../src/wire/audit-entry.ts'
import { handClock } from '../support/hand-clock.ts'
import { keepingLog } from '../support/keeping-log.ts'
import { tempCatalog } from '../support/temp-catalog.ts'

const AT = '2026-11-23T09:00:00Z'

/** An audit with some entries; `open` is a start of the controller. */
async function startAudit() {
  const { audit } = await tempCatalog()
  const voided = { times: 0 }
  const sessions = { removeAll: async () => void voided.times++ }
  const world = { ports: { audit }, sessions, clock: handClock(), log: keepingLog() } as unknown as World
  const write = (verb: string, outcome = 'done') =>
    audit.write({ at: AT, who: 'operator', verb, facts: {}, outcome })
  const verbs = async () =>
    (await audit.find({}, { first: 50 })).items.map(({ node: { verb } }) => verb).reverse()
  const open = (known: Parameters<typeof openAudit>[1]) => openAudit(world, known, { version: '1.2.3' })
  for (const verb of ['a', 'b', 'c']) await write(verb)
  return { audit, write, verbs, open, voided }
}

test('the catalog that was last used is continued, also if entries came after the last note', async () => {
  const { audit, write, verbs, open, voided } = await startAudit()
  const known = audit.head
  await write('d')
  await open(known)
  expect(await verbs()).toEqual(['a', 'b', 'c', 'd', 'startController'])
  expect(voided.times).toBe(0)
})

test.each([
  ['another hash at the same number', (id: number) => ({ id, hash: 'f'.repeat(64) })],
  ['fewer entries than were noted', (id: number) => ({ id: id + 1, hash: 'f'.repeat(64) })],
  ['another hash of an entry in its middle', (id: number) => ({ id: id - 1, hash: '' })],
])('a catalog with %s begins a new epoch, and all sessions end', async (_what, makeKnown) => {
  const { audit, verbs, open, voided } = await startAudit()
  await open(makeKnown(audit.head?.id ?? 0))
  expect(await verbs()).toEqual(['a', 'b', 'c', 'newEpoch', 'startController'])
  expect(voided.times).toBe(1)
})

test('a catalog whose audit is not known here begins a new epoch', async () => {
  const { verbs, open } = await startAudit()
  await open(null)
  expect(await verbs()).toContain('newEpoch')
})

test('an entry that was deleted for its age does not begin one', async () => {
  const { audit, write, verbs, open } = await startAudit()
  const known = audit.head
  await write('d')
  expect(await audit.forget('2026-11-23T09:00:01Z', '2026-11-24T09:00:00Z')).toBe(4)
  await open(known)
  expect(await verbs()).toEqual(['pruneAudit', 'startController'])
})

test('what a killed controller had begun is ended once', async () => {
  const { audit, write, verbs, open } = await startAudit()
  await open(audit.head)
  const begin = await write('createToken', BEGUN)
  const other = await write('wakeJob', BEGUN)
  await audit.write({ at: AT, who: 'operator', verb: 'wakeJob', facts: {}, outcome: 'done', begin: other })
  await open(audit.head)
  const [, unknown] = (await audit.find({}, { first: 2 })).items
  expect(unknown?.node).toMatchObject({
    verb: 'createToken',
    begin,
    outcome: expect.stringContaining('unknown'),
  })
  const before = await verbs()
  await open(audit.head)
  expect(await verbs()).toEqual([...before, 'startController'])
})
