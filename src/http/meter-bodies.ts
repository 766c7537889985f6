import type { FastifyInstance } from 'fastify'
import { BodyBudget } from './body-budget.ts'

/** Applies a BodyBudget to all requests. */
export function meterBodies(app: FastifyInstance, budget = new BodyBudget()): void {
  app.addHook('preParsing', async (request, reply, payload) => {
    if (request.method === 'GET' || request.method === 'HEAD') return
    const { body, release } = budget.meter(request.ip)
    reply.raw.once('close', release)
    // The reader of the body gets the error; without a reader, it must not crash the process.
    body.on('error', () => {})
    payload.once('close', () => {
      if (!body.writableEnded) body.destroy(new Error('the connection was closed'))
    })
    return payload.pipe(body)
  })
}
