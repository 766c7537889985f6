import { type WatchedEvents, watchEvents } from '../event-watch.ts'
import { readLists } from '../list-reader.ts'
import { type MeasuredDelivery, measureDelivery, startOverIfBehind } from '../measure-delivery.ts'
import { percentile } from '../questions.ts'
import type { Row } from '../row.ts'
import type { World } from '../world.ts'
import { countRecords, findWrongRecords } from '../wrong-records.ts'

interface Midnight extends MeasuredDelivery {
  /** Of the lists that were read meanwhile, ms. */
  latencies: number[]
  failures: string[]
  events: WatchedEvents
  /** NaN if not all was taken. */
  wrongRecords: number
}

/** After the time that is the target, plus a while to see how far it missed that. */
const AFTERWARDS_MS = 10_000

/** Every job of every daemon falls due at the same moment, while users read lists. */
async function midnight(world: World): Promise<Midnight> {
  const { url } = await world.controller()
  const { windowMs } = world.options
  const before = await countRecords(world)
  const lists = readLists(url, world.options)
  const watch = watchEvents(url, world.options)
  const limitMs = 2 * windowMs + AFTERWARDS_MS
  const delivery = await measureDelivery(world, () => world.simulator.midnight({ windowMs, limitMs }))
  const { latencies, failures } = await lists.stop()
  if (failures.length > 0) console.error(`  ${failures.length} lists failed, such as: ${failures[0]}`)
  const events = await watch.stop()
  const wrongRecords = delivery.takenMs === null ? Number.NaN : await findWrongRecords(world, before)
  await startOverIfBehind(world, delivery)
  return { ...delivery, latencies, failures, events, wrongRecords }
}

/** The same once more, with daemons of older versions. */
async function stubbornMidnight(world: World): Promise<Midnight> {
  await world.simulator.behave({ obeysRetryAfter: false })
  const night = await midnight(world)
  await world.simulator.behave({ obeysRetryAfter: world.options.manners.obeysRetryAfter })
  return night
}

/** A number of a midnight, whatever the daemons are like. */
interface Figure {
  /** Follows the name of the row for the whole midnight. */
  name: string
  title: string
  target: string
  digits?: number
  read(night: Midnight): number
}

const TWICE = 'twice the time in which the runs end'

const DELIVERY: Figure[] = [
  {
    name: '-window',
    title: '  until the last run ended, s',
    target: '',
    digits: 1,
    read: ({ endedMs }) => endedMs / 1000,
  },
  {
    name: '-rate',
    title: '  state changes taken, per second',
    target: 'those offered',
    read: ({ perSecond }) => perSecond,
  },
  {
    name: '-cpu',
    title: '  CPU of the controller for each change that was written, ms',
    target: 'flat, 0.5 at most',
    digits: 2,
    read: ({ cpuMsEach }) => cpuMsEach,
  },
  { name: '-refused', title: '  posts refused for a while', target: '', read: ({ refused }) => refused },
  { name: '-repeated', title: '  changes sent more than once', target: '', read: ({ repeated }) => repeated },
  {
    name: '-shown',
    title: '  longest that an ended run was shown as running, s',
    target: TWICE,
    digits: 1,
    read: ({ longestDelayMs }) => longestDelayMs / 1000,
  },
  {
    name: '-wrong',
    title: '  records missing or in the wrong state afterwards',
    target: '0',
    read: ({ wrongRecords }) => wrongRecords,
  },
]

const WATCHED: Figure[] = [
  {
    name: '-twice',
    title: '  changes told twice or out of order',
    target: '0',
    read: ({ events }) => events.wrong,
  },
  { name: '-untold', title: '  ends that were not told', target: '0', read: ({ events }) => events.missing },
  {
    name: '-lists',
    title: '  lists meanwhile: p99, ms',
    target: '250',
    read: ({ latencies }) => percentile(latencies, 0.99),
  },
  {
    name: '-failed-lists',
    title: '  lists meanwhile: failed',
    target: '0',
    read: ({ failures }) => failures.length,
  },
  {
    name: '-loop',
    title: '  delay of the event loop: p99.9, ms',
    target: '50',
    read: ({ loop }) => loop.p999,
  },
  {
    name: '-stall',
    title: '  delay of the event loop: longest, ms',
    target: '150',
    read: ({ loop }) => loop.longest,
  },
]

/** @param name of the row for the whole, and the start of the others' names */
function makeRows(name: string, title: string, part: (world: World) => Promise<Midnight>): Row[] {
  const readTaken = ({ takenMs }: Midnight) => (takenMs ?? Number.POSITIVE_INFINITY) / 1000
  const whole: Figure = { name: '', title, target: TWICE, digits: 1, read: readTaken }
  return [whole, ...DELIVERY, ...WATCHED].map(({ read, ...figure }) => ({
    ...figure,
    name: `${name}${figure.name}`,
    measure: async (world) => read(await world.once(part)),
  }))
}

export const midnightRows: Row[] = [
  ...makeRows('midnight', 'midnight: all runs end; until all changes are taken, s', midnight),
  ...makeRows(
    'stubborn',
    'midnight, daemons ignore Retry-After: until all changes are taken, s',
    stubbornMidnight,
  ),
]
