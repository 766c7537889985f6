import type { FastifyInstance } from 'fastify'
import { BodyBudget } from './body-budget.ts'

/** Bounds what the bodies of all requests take together, half-sent ones too. */
export function meterBodies(app: FastifyInstance, budget = new BodyBudget()): void {
  app.addHook('preParsing', (request, reply, payload, done) => {
    if (request.method === 'GET' || request.method === 'HEAD') return done()
    const { body, release } = budget.meter(request.ip)
    reply.raw.once('close', release)
    // Whoever reads the body is told; where nobody does, an error of it ends nothing.
    body.on('error', () => {})
    payload.once('close', () => {
      if (!body.writableEnded) body.destroy(new Error('the connection was closed'))
    })
    done(null, payload.pipe(body))
  })
}
