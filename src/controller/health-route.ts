import type { FastifyInstance } from 'fastify'
import { readHealth } from '../domain/health.ts'
import type { World } from '../domain/world.ts'

/**
 * 503 only while the controller cannot work, because supervisors restart what answers 503. Problems that an operator
 * has to fix, on this machine or on a server, are `degraded` with the reason.
 */
export function addHealthRoute(app: FastifyInstance, world: World, version: string): void {
  app.get('/healthz', async (_request, reply) => {
    const { status, reason, ...facts } = await readHealth(world)
    const body = { status, version, ...(reason !== '' && { reason }), ...facts }
    return reply.code(status === 'failing' ? 503 : 200).send(body)
  })
}
