import type { FastifyInstance } from 'fastify'
import { BodyBudget } from './body-budget.ts'

/** Applies a BodyBudget to all requests. */
export function meterBodies(app: FastifyInstance, budget = new BodyBudget()): void {
  // Not async: an error of the body would come before its reader.
  // biome-ignore lint/complexity/useMaxParams: Fastify calls it
  app.addHook('preParsing', (request, reply, payload, done) => {
    if (request.method === 'GET' || request.method === 'HEAD') return done()
    const { body, release } = budget.meter(request.ip)
    reply.raw.once('close', release)
    // The reader of the body gets the error; without a reader, it must not crash the process.
    body.on('error', () => {})
    payload.once('close', () => {
      if (!body.writableEnded) body.destroy(new Error('the connection was closed'))
    })
    done(null, payload.pipe(body))
  })
}
