import { expect, test } from 'vitest'
import type { Grant } from '../../src/domain/access/roles.ts'
import { reportEndingTokens } from '../../src/domain/ending-tokens.ts'
import { isoTime } from '../../src/lib/clock.ts'
import { DAY_MS } from '../../src/lib/time-units.ts'
import { given } from '../support/given.ts'

const ADMIN: readonly Grant[] = [{ role: 'admin', apps: null }]

async function start() {
  const { world, clock, log } = await given.app('hello').proc('web').on('10.0.0.1').inMemory()
  const add = (name: string, days: number | null) =>
    world.tokens.add({
      ...{ id: name, name, hash: '', grants: ADMIN, createdBy: 'test', lastUsedAt: null },
      createdAt: isoTime(clock.now()),
      expiresAt: days === null ? null : isoTime(clock.now() + days * DAY_MS),
    })
  const read = () => {
    reportEndingTokens(world)
    return world.problems.list().filter(({ source }) => source === 'tokens')
  }
  return { world, clock, log, add, read }
}

test('a token that ends within 14 days is a problem until it has ended, and logged once', async () => {
  const { clock, add, read, log } = await start()
  await add('ci', 90)
  await add('forever', null)
  expect(read()).toEqual([])
  clock.move(75 * DAY_MS)
  expect(read()).toEqual([])
  clock.move(1.5 * DAY_MS)
  expect(read().map(({ text }) => text)).toEqual([expect.stringMatching(/^The token "ci" \(ci\) ends at 20/)])
  read()
  expect(log.lines.filter((line) => JSON.stringify(line).includes('The token \\"ci\\"'))).toHaveLength(1)
  clock.move(14 * DAY_MS)
  expect(read()).toEqual([])
})

test('a token that is made for a shorter time is reported in its last quarter', async () => {
  const { clock, add, read } = await start()
  await add('week', 8)
  expect(read()).toEqual([])
  clock.move(5.9 * DAY_MS)
  expect(read()).toEqual([])
  clock.move(0.2 * DAY_MS)
  expect(read()).toHaveLength(1)
})

test('a revoked token is no longer reported, and of many only some are named', async () => {
  const { world, clock, add, read } = await start()
  for (let n = 0; n < 25; n++) await add(`t${n}`, 20 + n / 100)
  clock.move(19 * DAY_MS)
  expect(read()).toHaveLength(21)
  expect(read().at(-1)?.text).toContain('5 more tokens end soon')
  for (let n = 0; n < 5; n++) await world.tokens.remove(`t${n}`)
  expect(read().map(({ key }) => key)).not.toContain('more')
  expect(read()).toHaveLength(20)
})
