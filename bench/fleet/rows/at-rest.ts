import { setTimeout as sleep } from 'node:timers/promises'
import { makeInventory } from '../inventory.ts'
import { readResidentMib } from '../resident-memory.ts'
import type { Row } from '../row.ts'
import type { World } from '../world.ts'

/** Long enough for two polls of every daemon. */
const REST_MS = 60_000
const PER_MS = 30_000
const EMPTY_REST_MS = 10_000
/** What a start leaves has been done if daemons were asked nothing but polls for so long. */
const QUIET_MS = 5000
const SETTLE_LIMIT_MS = 300_000
const [KIB, MIB] = [1024, 1024 * 1024]
/** Jobs of each server in the fleet that is compared with the whole one, to tell jobs from servers. */
const FEW_JOBS = 1

/** Daemons are still asked for their backups after they have their jobs. */
async function untilSettled({ simulator }: World): Promise<void> {
  const count = async () => {
    const { debug = 0, ...others } = (await simulator.counts()).requests
    return Object.values(others).reduce((sum, each) => sum + each, 0)
  }
  const deadline = performance.now() + SETTLE_LIMIT_MS
  let before = 0
  let now = await count()
  do {
    before = now
    await sleep(QUIET_MS)
    now = await count()
  } while (now !== before && performance.now() < deadline)
}

/** Nothing happens; what remains are polls. */
async function rest(world: World) {
  const controller = await world.controller()
  const { probe, silenced } = controller
  await untilSettled(world)
  const before = await world.simulator.counts()
  const cpuBefore = await probe.cpuMs()
  await probe.loopDelay()
  silenced.clear()
  await sleep(REST_MS)
  const after = await world.simulator.counts()
  const cpuMs = (await probe.cpuMs()) - cpuBefore
  const loop = await probe.loopDelay()
  return {
    readMib: ((after.bytesRead - before.bytesRead) / MIB) * (PER_MS / REST_MS),
    polls: (after.requests.debug ?? 0) - (before.requests.debug ?? 0),
    cpuMs,
    loop,
    residentMib: await readResidentMib(controller),
    silenced: silenced.size,
    usedBytes: await probe.usedBytes(),
  }
}

/** A controller without an inventory. Has to be measured before the shared one starts: both use the same port. */
async function restEmpty(world: World) {
  const empty = await world.startAlone({ dataDir: 'empty', inventory: 'apps: {}\n' })
  await untilSettled(world)
  const cpuBefore = await empty.probe.cpuMs()
  await sleep(EMPTY_REST_MS)
  const cpuShare = ((await empty.probe.cpuMs()) - cpuBefore) / EMPTY_REST_MS
  const residentMib = await readResidentMib(empty)
  const usedBytes = await empty.probe.usedBytes()
  await empty.stop()
  return { cpuShare, residentMib, usedBytes }
}

/** What a controller uses for as many servers with few jobs. Has to be measured before the shared one starts. */
async function useWithFewJobs(world: World): Promise<number> {
  const inventory = makeInventory({ servers: world.options.servers, jobs: FEW_JOBS })
  const few = await world.startAlone({ dataDir: 'few-jobs', inventory })
  await world.untilReady()
  await untilSettled(world)
  const usedBytes = await few.probe.usedBytes()
  await few.stop()
  await world.simulator.forgetController()
  return usedBytes
}

/** Memory of the main thread for each job, and for each server without its jobs, KiB. */
async function growth(world: World) {
  const { servers, jobs } = world.options
  const [empty, few] = [(await world.once(restEmpty)).usedBytes, await world.once(useWithFewJobs)]
  const all = (await world.once(rest)).usedBytes
  const kibOfJob = (all - few) / (servers * (jobs - FEW_JOBS)) / KIB
  return { kibOfJob, kibOfServer: (few - empty) / servers / KIB - FEW_JOBS * kibOfJob }
}

async function pollCpuMs(world: World): Promise<number> {
  const { cpuMs, polls } = await world.once(rest)
  return (cpuMs - (await world.once(restEmpty)).cpuShare * REST_MS) / polls
}

/** These come before all others, because a controller of their own uses the port. */
export const emptyRows: Row[] = [
  {
    name: 'empty-memory',
    title: 'resident memory of an empty controller, MiB',
    target: '',
    measure: async (world) => (await world.once(restEmpty)).residentMib,
  },
  {
    name: 'empty-cpu',
    title: '  its CPU, percent of a core',
    target: '',
    digits: 2,
    measure: async (world) => (await world.once(restEmpty)).cpuShare * 100,
  },
  {
    name: 'few-jobs-memory',
    title: '  memory of the main thread with all servers, but one job each, MiB',
    target: '',
    digits: 1,
    measure: async (world) => (await world.once(useWithFewJobs)) / MIB,
  },
]

export const restRows: Row[] = [
  {
    name: 'first-start',
    title: 'first start: until every daemon has its jobs, s',
    target: '',
    digits: 1,
    measure: async (world) => (await world.controller()).readyAfterMs / 1000,
  },
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
    measure: async (world) => ((await world.once(rest)).cpuMs / REST_MS) * 100,
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

/** How the needs at rest grow. */
export const growthRows: Row[] = [
  {
    name: 'poll-cpu',
    title: '  CPU for each poll of a daemon, ms',
    target: '',
    digits: 2,
    measure: pollCpuMs,
  },
  {
    name: 'job-memory',
    title: '  memory for each job, KiB',
    target: '',
    digits: 2,
    measure: async (world) => (await world.once(growth)).kibOfJob,
  },
  {
    name: 'server-memory',
    title: '  memory for each server without its jobs, KiB',
    target: '',
    digits: 1,
    measure: async (world) => (await world.once(growth)).kibOfServer,
  },
]
