import type { FastifyContextConfig, FastifyInstance, FastifyRequest } from 'fastify'
import type { Principal } from '../domain/access/principal.ts'
import { hasCode } from '../lib/errors.ts'
import { type Callers, isOfCookie } from './callers.ts'
import { forgetSession } from './session-cookie.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * `public`: answers everybody, so it may show nothing of what is backed up. `daemons`, `ticket` and `sign-in`:
     * check their senders themselves.
     */
    access?: 'public' | 'daemons' | 'ticket' | 'sign-in'
  }
  interface FastifyRequest {
    /** Who asks. Not set on routes that check their senders themselves. */
    principal: Principal
  }
}

/** Every route, also one that does not exist, answers only callers who may do something, unless its config says otherwise. */
export function requireCaller(app: FastifyInstance, callers: Callers): void {
  app.decorateRequest('principal')
  // Before the body is read, and after the page of the IDE was sent.
  app.addHook('preParsing', async (request, reply) => {
    const access = readAccess(request)
    if (access !== undefined && access !== 'public') return
    try {
      if (access === 'public') request.principal = callers.identifyGuest(request.raw)
      else admit(request, callers)
    } catch (error) {
      const refusal = await callers.countRefusal(error, request.raw)
      reply.headers(describeSignIn(refusal))
      if (isOfCookie(error)) forgetSession(reply, callers.senders.find(request.raw))
      throw refusal
    }
  })
}

/** What programs read of a refusal. */
export function describeSignIn(refusal: unknown): Record<string, string> {
  // Never Basic: a browser would ask for a password, and send it with each request from then on.
  if (hasCode(refusal, 'UNAUTHENTICATED')) return { 'www-authenticate': 'Bearer realm="backupd"' }
  if (!hasCode(refusal, 'TOO_MANY_SIGN_INS')) return {}
  return { 'retry-after': String(refusal.facts.retryAfterSeconds) }
}

function admit(request: FastifyRequest, callers: Callers): void {
  const { raw, method, routeOptions, is404 } = request
  request.principal = callers.admit(raw)
  const what = is404 ? method : `${method} ${routeOptions.url}`
  callers.noteRequest(request.principal, callers.senders.find(raw), what)
}

function readAccess({ routeOptions, is404 }: FastifyRequest): FastifyContextConfig['access'] {
  return is404 ? undefined : routeOptions.config.access
}
