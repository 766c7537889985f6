import { setTimeout as sleep } from 'node:timers/promises'
import { countApps, makeInventory, serversOfApp } from '../inventory.ts'
import { percentile } from '../questions.ts'
import type { Row } from '../row.ts'
import type { World } from '../world.ts'

const EDITS = 3
const LIMIT_MS = 60_000
/** After this time, whoever is asked because of the edit has been asked. */
const AFTERMATH_MS = 4000
/** So long after a start, daemons may be polled at other times than later. */
const FIRST_POLLS_MS = 35_000

/** The schedule of one volume changes in the inventory file. */
async function edit(world: World) {
  const { probe, readyAt } = await world.controller()
  await sleep(Math.max(0, readyAt + FIRST_POLLS_MS - performance.now()))
  await probe.loopDelay()
  const delays: number[] = []
  // Always the same one: the edit of another app would undo the one before.
  const app = countApps(world.options) - 1
  const servers = serversOfApp(world.options, app)
  let othersAsked = 0
  for (let n = 1; n <= EDITS; n++) {
    await world.simulator.forgetLists()
    const start = world.writeInventory(makeInventory(world.options, { app, minute: n }))
    const lists = await world.simulator.untilNewLists(servers, LIMIT_MS)
    delays.push(lists === null ? Number.POSITIVE_INFINITY : lists - start)
    await sleep(AFTERMATH_MS)
    othersAsked = Math.max(othersAsked, await world.simulator.countOthersAsked(servers))
  }
  return { delay: percentile(delays, 0.5), othersAsked, loop: await probe.loopDelay() }
}

export const editRows: Row[] = [
  {
    name: 'edit',
    title: 'one volume edited: until its daemons have it, ms',
    target: '500',
    measure: async (world) => (await world.once(edit)).delay,
  },
  {
    name: 'edit-others',
    title: '  other daemons that were asked or sent something because of it',
    target: '0',
    measure: async (world) => (await world.once(edit)).othersAsked,
  },
  {
    name: 'edit-loop',
    title: '  delay of the event loop: p99.9, ms',
    target: '50',
    measure: async (world) => (await world.once(edit)).loop.p999,
  },
  {
    name: 'edit-stall',
    title: '  delay of the event loop: longest, ms',
    target: '150',
    measure: async (world) => (await world.once(edit)).loop.longest,
  },
]
