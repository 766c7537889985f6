import { fileURLToPath } from 'node:url'
import { callsTo } from '../calls.ts'
import { endChild, startNode } from '../child.ts'
import { percentile } from '../questions.ts'
import type { Row } from '../row.ts'
import type { Subscribers } from '../subscribers.ts'
import type { World } from '../world.ts'

const SUBSCRIBERS = 500
/** A run makes three changes: it is queued, it begins, it ends. */
const RUNS_PER_SECOND = 4
const SECONDS = 20

/** Runs end one by one while many clients watch all of them. */
async function watch(world: World) {
  const { url, probe } = await world.controller()
  const child = startNode(
    { args: [fileURLToPath(new URL('../subscribers.ts', import.meta.url))] },
    console.error,
  )
  try {
    const subscribers = callsTo<Subscribers>(child)
    await subscribers.open(url, SUBSCRIBERS)
    await probe.loopDelay()
    const cpuBefore = await probe.cpuMs()
    const runs = await world.simulator.trickle({ runsPerSecond: RUNS_PER_SECOND, seconds: SECONDS })
    const cpuPercent = ((await probe.cpuMs()) - cpuBefore) / (SECONDS * 10)
    const delays = await subscribers.takeDelays(runs * SUBSCRIBERS)
    return { delays, missing: runs * SUBSCRIBERS - delays.length, cpuPercent }
  } finally {
    await endChild(child, 2000)
  }
}

export const subscriberRows: Row[] = [
  {
    name: 'subscribers',
    title: `end of a run → ${SUBSCRIBERS} subscribers, 12 changes/s: p99, ms`,
    target: '500',
    measure: async (world) => percentile((await world.once(watch)).delays, 0.99),
  },
  {
    name: 'subscribers-missing',
    title: '  ends that did not arrive',
    target: '0',
    measure: async (world) => (await world.once(watch)).missing,
  },
  {
    name: 'subscribers-cpu',
    title: '  CPU of the controller meanwhile, percent of a core',
    target: '',
    measure: async (world) => (await world.once(watch)).cpuPercent,
  },
]
