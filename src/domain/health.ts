import { isoTime } from '../lib/clock.ts'
import { messageOf } from '../lib/errors.ts'
import { limitTexts } from '../lib/problems.ts'
import { isReachable, listServerFaults } from './server-state.ts'
import type { World } from './world.ts'

export interface Health {
  /** `failing`: the controller cannot work. `degraded`: it can, and `reason` says what an operator has to fix. */
  status: 'ok' | 'degraded' | 'failing'
  /** Empty if status is `ok`. */
  reason: string
  /** `ok`, or what is wrong with it. */
  catalog: string
  inventory: string
  servers: { ip: string; reachable: boolean; lastSeen: string | null }[]
}

const MAX_REASONS = 10

export async function readHealth(world: World): Promise<Health> {
  const catalog = await readCatalogProblem(world)
  const isFailing = catalog !== null || world.problems.list().some(({ isFatal }) => isFatal)
  const reasons = [...(catalog === null ? [] : [catalog]), ...listReasons(world)]
  return {
    status: isFailing ? 'failing' : reasons.length > 0 ? 'degraded' : 'ok',
    reason: limitTexts(reasons, MAX_REASONS).join('; '),
    catalog: catalog ?? 'ok',
    inventory: world.inventory.problem ?? 'ok',
    servers: [...world.servers.values()].map((server) => {
      return { ip: server.ip, reachable: isReachable(server), lastSeen: server.lastSeen }
    }),
  }
}

function listReasons({ problems, inventory, servers }: World): string[] {
  const board = problems.list()
  const own = board.filter(({ about }) => about === undefined || !servers.has(about)).map(({ text }) => text)
  const ofServers = [...servers.values()].flatMap((server) =>
    listServerFaults(server, problems.listAbout(server.ip)).map((fault) => `${server.ip}: ${fault}`),
  )
  return [...own, ...listInventoryReasons(inventory), ...ofServers]
}

function listInventoryReasons({ problem, held, plan }: World['inventory']): string[] {
  const reasons = problem === null ? [] : [`The inventory: ${problem}`]
  if (held) {
    const lost = `${held.lostVolumes} of ${held.ofVolumes} volumes`
    reasons.push(`The new inventory loses ${lost}: it is held until ${isoTime(held.until)}`)
  }
  return [...reasons, ...plan.problems.map((fault) => `The inventory: ${fault}`)]
}

export async function readCatalogProblem({ ports }: World): Promise<string | null> {
  try {
    await ports.servers.all()
    return null
  } catch (error) {
    return messageOf(error)
  }
}
