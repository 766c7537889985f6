import type { FastifyInstance } from 'fastify'
import { isReachable } from '../controller/server-state.ts'
import type { World } from '../controller/world.ts'
import { messageOf } from '../lib/errors.ts'

/** 200 while the catalog answers, else 503. A daemon that cannot be reached is told, and no reason to restart this. */
export function addHealthRoute(app: FastifyInstance, world: World, version: string): void {
  app.get('/healthz', async (_request, reply) => {
    const problem = await catalogProblem(world)
    const servers = [...world.servers.values()].map((server) => {
      return { ip: server.ip, reachable: isReachable(server), lastSeen: server.lastSeen }
    })
    const { problem: inventory } = world.inventory
    return reply.code(problem === null ? 200 : 503).send({
      status: problem === null ? 'ok' : 'failing',
      version,
      catalog: problem ?? 'ok',
      inventory: inventory ?? 'ok',
      servers,
    })
  })
}

async function catalogProblem(world: World): Promise<string | null> {
  try {
    await world.ports.servers.all()
    return null
  } catch (error) {
    return messageOf(error)
  }
}
