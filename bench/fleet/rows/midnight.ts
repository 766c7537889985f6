import { watchEvents } from '../event-watch.ts'
import { readLists } from '../list-reader.ts'
import { measureDelivery, startOverIfBehind } from '../measure-delivery.ts'
import { percentile } from '../questions.ts'
import type { Row } from '../row.ts'
import type { World } from '../world.ts'
import { findWrongRecords } from '../wrong-records.ts'

/** Every job of every daemon falls due at the same moment, while users read lists. */
async function midnight(world: World) {
  const { url } = await world.controller()
  const { windowMs } = world.options
  const lists = readLists(url, world.options)
  const events = watchEvents(url, world.options)
  const limitMs = 4 * windowMs + 30_000
  const delivery = await measureDelivery(world, () => world.simulator.midnight({ windowMs, limitMs }))
  const { latencies, failures } = await lists.stop()
  if (failures.length > 0) console.error(`  ${failures.length} lists failed, such as: ${failures[0]}`)
  const twice = await events.stop()
  await startOverIfBehind(world, delivery)
  return { ...delivery, latencies, failures, twice }
}

/** The same once more, with daemons of older versions. A controller that refused nothing does not have to prove it. */
async function stubbornMidnight(world: World) {
  const first = await world.once(midnight)
  if (first.refused === 0) return first
  await world.simulator.behave({ obeysRetryAfter: false })
  const second = await midnight(world)
  await world.simulator.behave({ obeysRetryAfter: world.options.manners.obeysRetryAfter })
  return second
}

const TWICE = 'twice the time in which the runs end'

export const midnightRows: Row[] = [
  {
    name: 'midnight',
    title: 'midnight: all runs end; until all changes are taken, s',
    target: TWICE,
    digits: 1,
    measure: async (world) => ((await world.once(midnight)).takenMs ?? Number.POSITIVE_INFINITY) / 1000,
  },
  {
    name: 'midnight-window',
    title: '  until the last run ended, s',
    target: '',
    digits: 1,
    measure: async (world) => (await world.once(midnight)).endedMs / 1000,
  },
  {
    name: 'midnight-rate',
    title: '  state changes taken, per second',
    target: 'those offered',
    measure: async (world) => (await world.once(midnight)).perSecond,
  },
  {
    name: 'midnight-cpu',
    title: '  CPU of the controller for each change, ms',
    target: 'flat, 0.5 at most',
    digits: 2,
    measure: async (world) => (await world.once(midnight)).cpuMsEach,
  },
  {
    name: 'midnight-repeated',
    title: '  changes sent more than once',
    target: '',
    measure: async (world) => (await world.once(midnight)).repeated,
  },
  {
    name: 'midnight-shown',
    title: '  longest that an ended run was shown as running, s',
    target: TWICE,
    digits: 1,
    measure: async (world) => (await world.once(midnight)).longestDelayMs / 1000,
  },
  {
    name: 'midnight-wrong',
    title: '  records missing or in the wrong state afterwards',
    target: '0',
    measure: async (world) => {
      await world.once(midnight)
      return findWrongRecords(world, 1)
    },
  },
  {
    name: 'midnight-twice',
    title: '  changes told twice or out of order',
    target: '0',
    measure: async (world) => (await world.once(midnight)).twice,
  },
  {
    name: 'midnight-lists',
    title: '  lists meanwhile: p99, ms',
    target: '250',
    measure: async (world) => percentile((await world.once(midnight)).latencies, 0.99),
  },
  {
    name: 'midnight-failed-lists',
    title: '  lists meanwhile: failed',
    target: '0',
    measure: async (world) => (await world.once(midnight)).failures.length,
  },
  {
    name: 'midnight-loop',
    title: '  delay of the event loop: p99.9, ms',
    target: '50',
    measure: async (world) => (await world.once(midnight)).loop.p999,
  },
  {
    name: 'midnight-stall',
    title: '  delay of the event loop: longest, ms',
    target: '150',
    measure: async (world) => (await world.once(midnight)).loop.longest,
  },
  {
    name: 'stubborn',
    title: 'midnight, daemons ignore Retry-After: until all changes are taken, s',
    target: TWICE,
    digits: 1,
    measure: async (world) =>
      ((await world.once(stubbornMidnight)).takenMs ?? Number.POSITIVE_INFINITY) / 1000,
  },
  {
    name: 'stubborn-lists',
    title: '  lists meanwhile: p99, ms',
    target: '250',
    measure: async (world) => percentile((await world.once(stubbornMidnight)).latencies, 0.99),
  },
  {
    name: 'stubborn-stall',
    title: '  delay of the event loop: longest, ms',
    target: '150',
    measure: async (world) => (await world.once(stubbornMidnight)).loop.longest,
  },
]
