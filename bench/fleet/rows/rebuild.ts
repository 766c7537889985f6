import { serverIp } from '../inventory.ts'
import { query } from '../questions.ts'
import type { Row } from '../row.ts'
import type { World } from '../world.ts'

const MAX_DEAD = 100

/** Folders of servers that are gone lie in the stores of some daemons, each in one; the catalog is compared with all. */
async function rebuild(world: World) {
  const { url } = await world.controller()
  const { servers } = world.options
  const dead = Math.min(MAX_DEAD, servers)
  const owners = Array.from({ length: dead }, (_, n) => serverIp(Math.floor((n * servers) / dead)))
  await world.simulator.buryServers(owners.map((owner, n) => ({ owner, ip: `127.79.0.${n + 1}` })))
  const before = await world.simulator.counts()
  const start = performance.now()
  await query(url, 'mutation { rebuildCatalog(dryRun: true) { namespaces { ip error } } }')
  const seconds = (performance.now() - start) / 1000
  const after = await world.simulator.counts()
  await world.simulator.buryServers([])
  return { questions: after.foreignQuestions - before.foreignQuestions, dead, seconds }
}

export const rebuildRows: Row[] = [
  {
    name: 'rebuild',
    title: 'catalog compared with the stores: questions about each dead namespace',
    target: '2: its backups and unknown objects',
    digits: 1,
    measure: async (world) => {
      const { questions, dead } = await world.once(rebuild)
      return questions / dead
    },
  },
  {
    name: 'rebuild-time',
    title: '  took, s',
    target: '',
    digits: 1,
    measure: async (world) => (await world.once(rebuild)).seconds,
  },
]
