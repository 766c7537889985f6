import { execFileSync } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { percentile, query, time } from '../questions.ts'
import type { Row } from '../row.ts'
import type { FleetController, World } from '../world.ts'

const FILL = fileURLToPath(new URL('../fill-catalog.ts', import.meta.url))
const QUESTIONS = 20

/** A controller whose catalog has many records, for the same fleet. */
async function history(world: World): Promise<FleetController> {
  await world.stopController()
  await world.simulator.forgetController()
  const { servers, jobs, records } = world.options
  const past = { servers, jobs, records, untilMs: Date.now() }
  const tree = dirname(dirname(world.main))
  execFileSync(process.execPath, [FILL, tree, world.dataDir('history'), JSON.stringify(past)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await world.simulator.remember(past)
  return world.controller({ dataDir: 'history' })
}

/** The median of several first pages; each has another length, so that none is answered from a cache. */
async function askFirstPages(world: World, fields: string): Promise<number> {
  const { url } = await world.once(history)
  const times: number[] = []
  for (let n = 0; n < QUESTIONS; n++) {
    const text = `{ records(first: ${20 + n}) { nodes { rid state start end } ${fields} } }`
    times.push(await time(() => query(url, text)))
  }
  return percentile(times, 0.5)
}

export const historyRows: Row[] = [
  {
    name: 'restart',
    title: 'restart with many records: until it listens, s',
    target: '3',
    digits: 1,
    measure: async (world) => (await world.once(history)).listenedAfterMs / 1000,
  },
  {
    name: 'restart-answer',
    title: '  until it has answered a list of records, s',
    target: '3',
    digits: 1,
    measure: async (world) => (await world.once(history)).answeredAfterMs / 1000,
  },
  {
    name: 'restart-ready',
    title: '  until every daemon has its jobs, s',
    target: '',
    digits: 1,
    measure: async (world) => (await world.once(history)).readyAfterMs / 1000,
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
]
