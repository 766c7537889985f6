import { messageOf } from '../../../src/lib/errors.ts'
import { download, percentile, query, time } from '../questions.ts'
import type { Row } from '../row.ts'
import type { World } from '../world.ts'

const EVERYTHING = `{ apps { name procs { name instances { no volumes {
  name lastGood { id created } jobs { id spec lastRecord { rid state end } } } } } } }`

const PAGES = 20
const PAGE = `query ($first: Int, $after: String) { volumes(first: $first, after: $after) { pageInfo { endCursor }
  nodes { app proc instanceNo name lastGood { id created } jobs { id spec lastRecord { rid state end } } } } }`

/** The same for page after page. @returns how long each took, ms */
async function turnPages(world: World, first: number): Promise<number[]> {
  const { url } = await world.controller()
  const times: number[] = []
  let after: string | null = null
  for (let n = 0; n < PAGES; n++) {
    const start = performance.now()
    const page: VolumePage = await query(url, PAGE, { first, after })
    times.push(performance.now() - start)
    after = page.volumes.pageInfo.endCursor
  }
  return times
}

const turnSmallPages = (world: World) => turnPages(world, 100)
const turnLargePages = (world: World) => turnPages(world, 500)

interface VolumePage {
  volumes: { pageInfo: { endCursor: string | null } }
}

/** One question that asks for much, and what it does to the event loop. */
async function askOnce(world: World, ask: (url: string) => Promise<unknown>) {
  const { url, probe } = await world.controller()
  await probe.loopDelay()
  const tookMs = await time(() => ask(url))
  return { tookMs, loop: await probe.loopDelay() }
}

function askEverything(world: World) {
  return askOnce(world, async (url) => {
    try {
      await query(url, EVERYTHING)
    } catch (error) {
      console.error(`  refused: ${messageOf(error)}`)
    }
  })
}

function downloadJobs(world: World) {
  return askOnce(world, async (url) => {
    const bytes = await download(`${url}/api/v1/cron/jobs/all`)
    console.error(`  cron/jobs/all has ${(bytes / 1024 / 1024).toFixed(1)} MiB`)
  })
}

export const readRows: Row[] = [
  {
    name: 'everything',
    title: 'apps → volumes → lastGood, jobs → lastRecord of all: answered or refused after, ms',
    target: '100',
    measure: async (world) => (await world.once(askEverything)).tookMs,
  },
  {
    name: 'everything-stall',
    title: '  delay of the event loop: longest, ms',
    target: '150',
    measure: async (world) => (await world.once(askEverything)).loop.longest,
  },
  {
    name: 'volumes-page',
    title: '  a page of 100 of the volumes with the same: p95, ms',
    target: '100',
    measure: async (world) => percentile(await world.once(turnSmallPages), 0.95),
  },
  {
    name: 'volumes-page-500',
    title: '  a page of 500: p95, ms',
    target: '100',
    measure: async (world) => percentile(await world.once(turnLargePages), 0.95),
  },
  {
    name: 'jobs-all',
    title: 'cron/jobs/all: until the last byte, ms',
    target: '',
    measure: async (world) => (await world.once(downloadJobs)).tookMs,
  },
  {
    name: 'jobs-all-stall',
    title: '  delay of the event loop: longest, ms',
    target: '50',
    measure: async (world) => (await world.once(downloadJobs)).loop.longest,
  },
]
