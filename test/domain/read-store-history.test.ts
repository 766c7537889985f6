import { expect, test } from 'vitest'
import { tick } from '../../src/domain/controller.ts'
import { readStoreHistory } from '../../src/domain/read-store-history.ts'
import { asCaller } from '../../src/domain/user-world.ts'
import { asAdmin, callerWith } from '../support/callers.ts'
import type { InMemory } from '../support/given/in-memory.ts'
import { given } from '../support/given.ts'

const IP = '10.0.0.1'
const DAY = 86_400_000

async function look({ world }: InMemory): Promise<void> {
  for (let n = 0; n < 2; n++) {
    tick(world)
    await world.background.settled()
  }
}

async function openStore() {
  const kit = await given.app('hello').proc('web').on(IP).volume('/data/db').inMemory()
  const setRoom = (freeBytes: number) => {
    const { debug } = kit.daemons.at(IP)
    debug.store = { driver: 'local', freeBytes, totalBytes: 1000, trashBytes: null, error: null }
  }
  return { ...kit, setRoom }
}

test('the room of a store is told for each day, the present one as it is now', async () => {
  const kit = await openStore()
  for (const free of [900, 700, 400]) {
    kit.setRoom(free)
    kit.clock.move(60_000)
    await look(kit)
    if (free !== 400) kit.clock.move(DAY)
  }
  kit.setRoom(350)
  kit.clock.move(60_000)
  await look(kit)
  expect(await readStoreHistory(asAdmin(kit.world), { days: 2 })).toEqual([
    {
      server: IP,
      days: [
        { date: '2026-11-24', usedBytes: 300, freeBytes: 700 },
        { date: '2026-11-25', usedBytes: 650, freeBytes: 350 },
      ],
    },
  ])
  expect(await readStoreHistory(asAdmin(kit.world), { days: 30 })).toMatchObject([{ days: [{}, {}, {}] }])
  expect(await readStoreHistory(asAdmin(kit.world), { days: 30, server: '10.0.0.9' })).toEqual([])
})

test('it is refused without a role for everything, and for a wrong number of days', async () => {
  const { world } = await openStore()
  const scoped = asCaller(world, callerWith('admin', ['hello']))
  expect(await readStoreHistory(scoped, { days: 30 })).toMatchObject({ refused: 'NOT_PERMITTED' })
  for (const days of [0, 401])
    await expect(readStoreHistory(asAdmin(world), { days })).rejects.toThrow('is not a number of days')
})
