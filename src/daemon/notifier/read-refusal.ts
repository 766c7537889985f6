import type { Dispatcher } from 'undici'
import { withoutControls } from '../../lib/plain-text.ts'

/** Limit of characters of a refusal that are logged. */
const MAX_REFUSAL_LENGTH = 500
/** A longer Retry-After counts as this long: news must not wait for a wrong one. */
const MAX_RETRY_AFTER_SECONDS = 60

/** An address did not accept a post. */
export class RefusedPost extends Error {
  /** When to try again, if the address says so; with jitter. undefined: the backoff decides. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, retryAfterMs: number | undefined) {
    super(message)
    this.name = 'RefusedPost'
    this.retryAfterMs = retryAfterMs
  }
}

/** Makes an error from a refused post, with the start of the answer, which says why. */
export async function readRefusal(answer: Dispatcher.ResponseData): Promise<RefusedPost> {
  const { statusCode, headers, body } = answer
  let text = ''
  for await (const chunk of body) {
    text += chunk
    if (text.length >= MAX_REFUSAL_LENGTH) break
  }
  const reason = withoutControls(text.slice(0, MAX_REFUSAL_LENGTH)).trim()
  const retryAfterMs = statusCode === 503 ? readRetryAfter(headers['retry-after']) : undefined
  return new RefusedPost(`it answered ${statusCode}${reason && `: ${reason}`}`, retryAfterMs)
}

/** Later than asked by up to a quarter, so that daemons with the same answer do not come back together. */
function readRetryAfter(value: string | string[] | undefined): number | undefined {
  if (typeof value !== 'string' || !/^\d{1,9}$/.test(value)) return undefined
  const seconds = Math.min(Math.max(Number(value), 1), MAX_RETRY_AFTER_SECONDS)
  return seconds * 1000 * (1 + Math.random() / 4)
}
