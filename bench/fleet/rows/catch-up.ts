import { setTimeout as sleep } from 'node:timers/promises'
import { measureDelivery, startOverIfBehind } from '../measure-delivery.ts'
import { readResidentMib } from '../resident-memory.ts'
import type { Row } from '../row.ts'
import type { World } from '../world.ts'

const LIMIT_MS = 300_000

/** All daemons send what they collected while the controller was away. */
async function catchUp(world: World) {
  await world.controller()
  const delivery = await measureDelivery(world, () => world.simulator.catchUp({ limitMs: LIMIT_MS }))
  await startOverIfBehind(world, delivery)
  return delivery
}

export const catchUpRows: Row[] = [
  {
    name: 'catch-up',
    title: 'catching up in batches of 100: state changes taken, per second',
    target: '3000',
    measure: async (world) => (await world.once(catchUp)).perSecond,
  },
  {
    name: 'catch-up-cpu',
    title: '  CPU of the controller for each change, ms',
    target: 'flat, 0.5 at most',
    digits: 2,
    measure: async (world) => (await world.once(catchUp)).cpuMsEach,
  },
  {
    name: 'catch-up-stall',
    title: '  delay of the event loop: longest, ms',
    target: '150',
    measure: async (world) => (await world.once(catchUp)).loop.longest,
  },
  {
    name: 'busy-memory',
    title: 'resident memory after all that, MiB',
    target: '',
    measure: async (world) => {
      const controller = await world.controller()
      await sleep(5000)
      return readResidentMib(controller)
    },
  },
]
