import type { FastifyInstance } from 'fastify'
import { can } from '../domain/access/can.ts'
import { readHealth } from '../domain/health.ts'
import type { World } from '../domain/world.ts'

/**
 * 503 only while the controller cannot work, because supervisors restart what answers 503. Problems that an operator
 * has to fix, on this machine or on a server, are `degraded` with the reason. Only callers who may see everything are told
 * more than the status.
 */
export function addHealthRoute(app: FastifyInstance, world: World, version: string): void {
  app.get('/healthz', { config: { access: 'public' } }, async ({ principal }, reply) => {
    const { status, reason, ...facts } = await readHealth(world)
    const more = { ...(reason !== '' && { reason }), ...facts }
    const isWhole = can(principal, 'view', 'everything').allowed
    return reply.code(status === 'failing' ? 503 : 200).send({ status, version, ...(isWhole && more) })
  })
}
