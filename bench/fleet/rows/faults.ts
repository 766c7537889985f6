import { setTimeout as sleep } from 'node:timers/promises'
import { countApps, listServers, makeInventory, serversOfApp } from '../inventory.ts'
import type { Row } from '../row.ts'
import type { World } from '../world.ts'

const SHARE = 0.1
const WATCH_MS = 40_000
/** Longer than the controller waits for an answer. */
const BLOCKED_MS = 12_000
const LIMIT_MS = 60_000

/**
 * A tenth of the daemons is dead, a tenth never answers, a tenth answers late. Then the controller itself stands still
 * for a while: the daemons answer, and it does not read.
 */
async function suffer(world: World) {
  const { probe, silenced } = await world.controller()
  const servers = listServers(world.options)
  const count = Math.ceil(servers.length * SHARE)
  const [dead, hanging, slow] = [0, 1, 2].map((part) => servers.slice(part * count, (part + 1) * count))
  const isHealthy = (ip: string) => !servers.slice(0, 3 * count).includes(ip)
  await world.simulator.setFaults({ dead: dead ?? [], hanging: hanging ?? [], slow: slow ?? [] })
  await probe.loopDelay()
  await sleep(WATCH_MS)
  const editMs = await editHealthy(world)
  const loop = await probe.loopDelay()
  silenced.clear()
  await probe.block(BLOCKED_MS)
  await sleep(WATCH_MS)
  await world.simulator.setFaults({ dead: [], hanging: [], slow: [] })
  return { editMs, loop, silenced: [...silenced].filter(isHealthy).length }
}

/** The last app runs on healthy servers. */
async function editHealthy(world: World): Promise<number> {
  const app = countApps(world.options) - 1
  await world.simulator.forgetLists()
  const start = world.writeInventory(makeInventory(world.options, { app, minute: 30 }))
  const at = await world.simulator.untilNewLists(serversOfApp(world.options, app), LIMIT_MS)
  return at === null ? Number.POSITIVE_INFINITY : at - start
}

export const faultRows: Row[] = [
  {
    name: 'faults-edit',
    title: '10 % dead, 10 % hang, 10 % slow: an edit reaches its healthy daemons after, ms',
    target: '500',
    measure: async (world) => (await world.once(suffer)).editMs,
  },
  {
    name: 'faults-loop',
    title: '  delay of the event loop: p99.9, ms',
    target: '50',
    measure: async (world) => (await world.once(suffer)).loop.p999,
  },
  {
    name: 'faults-stall',
    title: '  delay of the event loop: longest, ms',
    target: '150',
    measure: async (world) => (await world.once(suffer)).loop.longest,
  },
  {
    name: 'faults-silent',
    title: '  and the controller stalls for 12 s: healthy daemons called silent',
    target: '0',
    measure: async (world) => (await world.once(suffer)).silenced,
  },
]
