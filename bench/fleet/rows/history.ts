import { execFileSync } from 'node:child_process'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { LoopDelay } from '../controller-probe.ts'
import { percentile, query, time } from '../questions.ts'
import type { Row } from '../row.ts'
import type { FleetController, World } from '../world.ts'

const FILL = fileURLToPath(new URL('../fill-catalog.ts', import.meta.url))
const QUESTIONS = 20
const DATA = { dataDir: 'history' }
/** What a start leaves for later is watched for so long. */
const BEHIND_MS = 20_000

/** A controller whose catalog has many records, for the same fleet, that runs for the second time. */
async function restart(world: World): Promise<FleetController & { loop: LoopDelay }> {
  await world.stopController()
  await world.simulator.forgetController()
  await fillCatalog(world)
  await world.controller(DATA)
  await sleep(BEHIND_MS / 2)
  await world.stopController()
  const controller = await world.controller(DATA)
  await sleep(BEHIND_MS)
  return { ...controller, loop: await controller.probe.loopDelay() }
}

async function fillCatalog(world: World): Promise<void> {
  const { servers, jobs, records } = world.options
  const past = { servers, jobs, records: Math.min(records, MAX_FRESH), untilMs: Date.now() }
  const tree = dirname(dirname(world.main))
  const args = [tree, world.dataDir(DATA.dataDir), JSON.stringify(past), String(records)]
  const output = execFileSync(process.execPath, [FILL, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  console.error(`  ${output.toString().trim()}`)
  await world.simulator.remember(past)
}

/** So many records are written by the catalog, with their backups; the rest are copies of them. */
const MAX_FRESH = 20_000

/** The median of several first pages; each has another length, so that none is answered from a cache. */
async function askFirstPages(world: World, fields: string): Promise<number> {
  const { url } = await world.once(restart)
  const times: number[] = []
  for (let n = 0; n < QUESTIONS; n++) {
    const text = `{ records(first: ${20 + n}) { nodes { rid state start end } ${fields} } }`
    times.push(await time(() => query(url, text)))
  }
  return percentile(times, 0.5)
}

/** Each is served by another index, or by several; some match nothing. */
const FILTERS = [
  'volume: "/data/0"',
  'instanceNo: 2',
  'mode: INCREMENT',
  'action: "backup_recover"',
  'states: [FAILED, LOST]',
  'proc: "app1.web.web"',
  'proc: "none"',
  'mode: FULL, states: [FAILED]',
  'volume: "/data/0", states: [LOST]',
  'server: "127.77.0.1", states: [FAILED]',
  'app: "app1", mode: INCREMENT, instanceNo: 1',
]

/** The slowest first page of a filtered list. */
async function askFilteredPages(world: World): Promise<number> {
  const { url } = await world.once(restart)
  const times: number[] = []
  for (const filter of FILTERS) {
    const text = `{ records(first: 20, filter: { ${filter} }) { nodes { rid state start end } } }`
    times.push(await time(() => query(url, text)))
  }
  return Math.max(...times)
}

export const historyRows: Row[] = [
  {
    name: 'restart',
    title: 'restart with many records: until it listens, s',
    target: '3',
    digits: 1,
    measure: async (world) => (await world.once(restart)).listenedAfterMs / 1000,
  },
  {
    name: 'restart-answer',
    title: '  until it has answered a list of records, s',
    target: '3',
    digits: 1,
    measure: async (world) => (await world.once(restart)).answeredAfterMs / 1000,
  },
  {
    name: 'restart-ready',
    title: '  until it has asked every daemon, s',
    target: '',
    digits: 1,
    measure: async (world) => (await world.once(restart)).readyAfterMs / 1000,
  },
  {
    name: 'restart-loop',
    title: '  delay of the event loop from then on: p99.9, ms',
    target: '50',
    measure: async (world) => (await world.once(restart)).loop.p999,
  },
  {
    name: 'restart-stall',
    title: '  delay of the event loop from then on: longest, ms',
    target: '150',
    measure: async (world) => (await world.once(restart)).loop.longest,
  },
  {
    name: 'first-page',
    title: 'first page of many records, not cached, ms',
    target: '20',
    digits: 1,
    measure: (world) => askFirstPages(world, ''),
  },
  {
    name: 'first-page-count',
    title: '  with totalCount, ms',
    target: '',
    digits: 1,
    measure: (world) => askFirstPages(world, 'totalCount'),
  },
  {
    name: 'filtered-page',
    title: `  the slowest of ${FILTERS.length} filtered ones, ms`,
    target: '20',
    digits: 1,
    measure: askFilteredPages,
  },
]
