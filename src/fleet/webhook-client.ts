import { Agent, request } from 'undici'
import type { WebhookPort } from '../domain/notify-ports.ts'
import { errnoOf } from '../lib/errors.ts'
import { makeAuthorization } from '../lib/redact-url.ts'
import { untilAborted } from './until-aborted.ts'

const ANSWER_TIMEOUT_MS = 10_000

/** Posts to webhooks. Redirects are not followed, and answers are not read: a receiver is no part of the system. */
export function createWebhookClient(): WebhookPort & { close(): Promise<void> } {
  const dispatcher = new Agent({ connect: { timeout: ANSWER_TIMEOUT_MS }, keepAliveTimeout: 5000 })
  return {
    async post(url, { headers, body }, stop) {
      const target = new URL(url)
      const authorization = makeAuthorization(url)
      Object.assign(target, { username: '', password: '' })
      try {
        const signal = AbortSignal.any([stop, AbortSignal.timeout(ANSWER_TIMEOUT_MS)])
        const sent = {
          method: 'POST',
          headers: { ...headers, ...authorization },
          body,
          dispatcher,
          signal,
        } as const
        // undici notices that it was aborted only once it is connected.
        const answer = await untilAborted(request(target, sent), signal)
        answer.body.on('error', () => {}).destroy()
        return answer.statusCode
      } catch (cause) {
        throw new Error(describeFailure(target, cause))
      }
    },
    close: () => dispatcher.destroy(),
  }
}

/** Errors of the library may name the whole URL, which can be secret. */
function describeFailure({ host }: URL, cause: unknown): string {
  const { name, code } = cause as { name?: string; code?: string }
  if (name === 'TimeoutError' || name === 'AbortError')
    return `${host} did not answer within ${ANSWER_TIMEOUT_MS / 1000} s`
  return `Cannot reach ${host}: ${errnoOf(cause) ?? code ?? 'the connection broke'}`
}
