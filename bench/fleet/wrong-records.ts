import { listServers } from './inventory.ts'
import { query } from './questions.ts'
import type { World } from './world.ts'

const COUNTS = `query ($server: ID!) {
  ended: records(first: 1, filter: { server: $server, states: [SUCCESS] }) { totalCount }
  all: records(first: 1, filter: { server: $server }) { totalCount } }`

interface Counts {
  ended: { totalCount: number }
  all: { totalCount: number }
}

/** How many records of a server there are, and how many of them succeeded, by server. */
export type RecordCounts = Map<string, { ended: number; all: number }>

export async function countRecords(world: World): Promise<RecordCounts> {
  const { url } = await world.controller()
  const counts: RecordCounts = new Map()
  for (const server of listServers(world.options)) {
    const { ended, all } = await query<Counts>(url, COUNTS, { server })
    counts.set(server, { ended: ended.totalCount, all: all.totalCount })
  }
  return counts
}

/**
 * Compares the records of every server with what its daemon did since `before`: one that succeeded for each run of each
 * job, and no other.
 */
export async function findWrongRecords(world: World, before: RecordCounts): Promise<number> {
  let wrong = 0
  for (const [server, now] of await countRecords(world)) {
    const then = before.get(server) ?? { ended: 0, all: 0 }
    const [ended, all] = [now.ended - then.ended, now.all - then.all]
    wrong += Math.abs(world.options.jobs - ended) + Math.abs(all - ended)
  }
  return wrong
}
