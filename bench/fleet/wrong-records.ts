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

/**
 * Compares the records of every server with what its daemon did: one that succeeded for each run of each job, and no
 * other.
 */
export async function findWrongRecords(world: World, runsOfEachJob: number): Promise<number> {
  const { url } = await world.controller()
  const expected = world.options.jobs * runsOfEachJob
  let wrong = 0
  for (const server of listServers(world.options)) {
    const { ended, all } = await query<Counts>(url, COUNTS, { server })
    wrong += Math.abs(expected - ended.totalCount) + (all.totalCount - ended.totalCount)
  }
  return wrong
}
