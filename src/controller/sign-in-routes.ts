import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { makeCaller, OWN_PROCESS, type Principal } from '../domain/access/principal.ts'
import { MAX_SESSION_MS } from '../domain/access/session-book.ts'
import { isRefused } from '../domain/answer.ts'
import { beginSession, endSession, requestOfToken, type SessionRequest } from '../domain/sessions.ts'
import { asCaller, type UserWorld } from '../domain/user-world.ts'
import type { World } from '../domain/world.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { accessEnded, type Callers } from './callers.ts'
import { LINK_SESSION, spendLoginCode } from './login-link.ts'
import { describeSignIn } from './require-caller.ts'
import { comesFromOwnPage, forgetSession, sendSession } from './session-cookie.ts'

/** Bytes. */
const MAX_BODY = 4096

/** `POST /login` begins a session in exchange for a token or the code of a link; `POST /logout` ends it. Both are for browsers. */
export function addSignInRoutes(
  app: FastifyInstance,
  world: World,
  { callers, dataDir }: { callers: Callers; dataDir: string },
): void {
  const options = { config: { access: 'sign-in' }, bodyLimit: MAX_BODY } as const
  const post = (url: string, handle: (request: FastifyRequest, reply: FastifyReply) => Promise<object>) =>
    app.post(url, options, async (request, reply) => {
      reply.header('cache-control', 'no-store')
      try {
        return await handle(request, reply)
      } catch (error) {
        const refusal = await callers.countRefusal(error, request.raw)
        reply.headers(describeSignIn(refusal))
        throw refusal
      }
    })

  post('/login', async (request, reply) => {
    const { raw } = request
    const proof = readProof(request.body)
    if (proof.kind === 'code') {
      await callers.spendCode(raw, () => spendLoginCode(dataDir, proof.text, world.clock.now()))
      return begin({ request, reply }, LINK_SESSION, OWN_PROCESS)
    }
    const principal = callers.identify(raw, `Bearer ${proof.text}`)
    if (principal.kind !== 'token') throw accessEnded()
    return begin({ request, reply }, requestOfToken(principal), principal)
  })

  post('/logout', async ({ raw }, reply) => {
    const sender = callers.senders.find(raw)
    const principal = callers.findSession(raw)
    if (principal && !comesFromOwnPage(raw.headers, sender.isEncrypted)) callers.identify(raw)
    // Also if the session cannot be ended, because the audit cannot be written.
    forgetSession(reply, sender)
    if (principal) {
      const own = asCaller(world, makeCaller(principal, 'logout', sender.address))
      const answer = await endSession(own, principal.sessionId)
      if (isRefused(answer)) throw new BackupdError(answer.refused, answer.message)
    }
    return { ended: principal !== undefined }
  })

  /** Always with a new secret; the session that the browser had before ends. */
  async function begin(
    { request, reply }: { request: FastifyRequest; reply: FastifyReply },
    wanted: SessionRequest,
    principal: Principal,
  ) {
    const { raw } = request
    const sender = callers.senders.find(raw)
    const as = (one: Principal) => asCaller(world, makeCaller(one, 'login', sender.address))
    const earlier = callers.findSession(raw)
    const begun = await beginSession(as(principal), wanted)
    if (isRefused(begun)) throw new BackupdError(begun.refused, begun.message)
    sendSession(reply, begun.text, { ...sender, maxAgeMs: MAX_SESSION_MS })
    if (earlier) await endEarlier(as(earlier), earlier.sessionId)
    const { name, expiresAt } = begun.session
    return { name, expiresAt }
  }
}

/** The browser has another session by now, so it need not hear that this one is left to end by itself. */
async function endEarlier(world: UserWorld, id: string): Promise<void> {
  try {
    const answer = await endSession(world, id)
    if (isRefused(answer)) throw new BackupdError(answer.refused, answer.message)
  } catch (error) {
    world.log.warn({ err: error, id }, `Cannot end the earlier session of a browser: ${messageOf(error)}`)
  }
}

interface Proof {
  kind: 'token' | 'code'
  text: string
}

function readProof(body: unknown): Proof {
  const given = (body ?? {}) as Record<string, unknown>
  for (const kind of ['token', 'code'] as const) {
    const text = given[kind]
    if (typeof text === 'string' && text !== '') return { kind, text }
  }
  throw new BackupdError('BAD_INPUT', 'Cannot sign in: expected {"token": "…"} or {"code": "…"} as JSON')
}
