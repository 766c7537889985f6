import { measureDelivery } from '../measure-delivery.ts'
import type { Row } from '../row.ts'
import type { World } from '../world.ts'

const LIMIT_MS = 300_000

/** All daemons send what they collected while the controller was away. */
async function catchUp(world: World) {
  await world.controller()
  return measureDelivery(world, () => world.simulator.catchUp({ limitMs: LIMIT_MS }))
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
]
