import { listServers, serverIp } from '../inventory.ts'
import { query } from '../questions.ts'
import type { Row } from '../row.ts'
import type { World } from '../world.ts'

const MAX_DEAD = 100
/** Of a shared store. A controller that asks every daemon about each of them must end all the same. */
const MAX_SHARED_DEAD = 20

type Dead = { owner: string; ip: string }[]

/** Folders of servers that are gone lie in the stores of some daemons, each in one. */
function rebuild(world: World) {
  const { servers } = world.options
  const dead = listDead(Math.min(MAX_DEAD, servers)).map((ip, n, all) => {
    return { owner: serverIp(Math.floor((n * servers) / all.length)), ip }
  })
  return measureRebuild(world, dead)
}

/** They lie in one store, which all daemons can read. */
function rebuildShared(world: World) {
  const dead = listDead(Math.min(MAX_SHARED_DEAD, world.options.servers))
  const owners = listServers(world.options)
  return measureRebuild(
    world,
    owners.flatMap((owner) => dead.map((ip) => ({ owner, ip }))),
  )
}

function listDead(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `127.79.0.${n + 1}`)
}

/** The catalog is compared with all stores. */
async function measureRebuild(world: World, dead: Dead) {
  const { url, probe } = await world.controller()
  await world.simulator.buryServers(dead)
  const before = await world.simulator.counts()
  await probe.loopDelay()
  const start = performance.now()
  await query(url, 'mutation { rebuildCatalog(dryRun: true) { namespaces { ip error } } }')
  const seconds = (performance.now() - start) / 1000
  const loop = await probe.loopDelay()
  const after = await world.simulator.counts()
  await world.simulator.buryServers([])
  const asked = after.foreignQuestions - before.foreignQuestions
  return { questions: asked / new Set(dead.map(({ ip }) => ip)).size, seconds, loop }
}

function makeRows(name: string, title: string, part: typeof rebuildShared): Row[] {
  return [
    {
      name,
      title: `${title}: questions about each dead namespace`,
      target: '2: its backups and unknown objects',
      digits: 1,
      measure: async (world) => (await world.once(part)).questions,
    },
    {
      name: `${name}-time`,
      title: '  took, s',
      target: '',
      digits: 1,
      measure: async (world) => (await world.once(part)).seconds,
    },
    {
      name: `${name}-loop`,
      title: '  delay of the event loop: p99.9, ms',
      target: '50',
      measure: async (world) => (await world.once(part)).loop.p999,
    },
    {
      name: `${name}-stall`,
      title: '  delay of the event loop: longest, ms',
      target: '150',
      measure: async (world) => (await world.once(part)).loop.longest,
    },
  ]
}

export const rebuildRows: Row[] = [
  ...makeRows('rebuild', 'catalog compared with the stores of the daemons', rebuild),
  ...makeRows('rebuild-shared', 'catalog compared with one store that all share', rebuildShared),
]
