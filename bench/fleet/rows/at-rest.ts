import { setTimeout as sleep } from 'node:timers/promises'
import { readResidentMib } from '../resident-memory.ts'
import type { Row } from '../row.ts'
import type { World } from '../world.ts'

/** Long enough for two polls of every daemon. */
const REST_MS = 60_000
const PER_MS = 30_000
const MIB = 1024 * 1024

/** Nothing happens; what remains are polls. */
async function rest(world: World) {
  const controller = await world.controller()
  const { probe, silenced } = controller
  await sleep(3000)
  const before = await world.simulator.counts()
  const cpuBefore = await probe.cpuMs()
  await probe.loopDelay()
  silenced.clear()
  await sleep(REST_MS)
  const after = await world.simulator.counts()
  return {
    readMib: ((after.bytesRead - before.bytesRead) / MIB) * (PER_MS / REST_MS),
    cpuPercent: (((await probe.cpuMs()) - cpuBefore) / REST_MS) * 100,
    loop: await probe.loopDelay(),
    residentMib: await readResidentMib(controller),
    silenced: silenced.size,
  }
}

export const restRows: Row[] = [
  {
    name: 'rest-read',
    title: 'at rest: read from daemons in 30 s, MiB',
    target: '1',
    digits: 2,
    measure: async (world) => (await world.once(rest)).readMib,
  },
  {
    name: 'rest-cpu',
    title: '  CPU of the controller, percent of a core',
    target: '',
    digits: 1,
    measure: async (world) => (await world.once(rest)).cpuPercent,
  },
  {
    name: 'rest-loop',
    title: '  delay of the event loop: p99.9, ms',
    target: '50',
    measure: async (world) => (await world.once(rest)).loop.p999,
  },
  {
    name: 'rest-stall',
    title: '  delay of the event loop: longest, ms',
    target: '150',
    measure: async (world) => (await world.once(rest)).loop.longest,
  },
  {
    name: 'rest-silent',
    title: '  healthy daemons called silent',
    target: '0',
    measure: async (world) => (await world.once(rest)).silenced,
  },
  {
    name: 'rest-memory',
    title: '  resident memory, MiB',
    target: '400',
    measure: async (world) => (await world.once(rest)).residentMib,
  },
]

/** Has to be measured before the shared controller starts: both use the same port. */
export const emptyRow: Row = {
  name: 'empty-memory',
  title: 'resident memory of an empty controller, MiB',
  target: '',
  async measure(world) {
    const empty = await world.startAlone({ dataDir: 'empty', inventory: 'apps: {}\n' })
    await sleep(5000)
    const mib = await readResidentMib(empty)
    await empty.stop()
    return mib
  },
}
