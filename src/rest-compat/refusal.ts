import { ControllerError } from '../client/execute.ts'
import { ERROR_CODES, type ErrorCode, isErrorCode } from '../lib/error-codes.ts'
import { BackupdError } from '../lib/errors.ts'
import type { Reply } from './reply.ts'

type Statuses = Readonly<Partial<Record<ErrorCode, number>>>

/** How a row answers a refusal: the legacy status for each code. */
export interface Refusals {
  statuses?: Statuses
  /** The status of all other codes; default 500. */
  otherwise?: 400 | 500
  /** Legacy text at the start of the message, because scripts search for it. */
  words?(error: RestRefusal): string
}

export interface RestRefusal {
  code: string
  message: string
  facts: Readonly<Record<string, unknown>>
}

/** Codes with the same status on all routes. */
const FIXED: Statuses = {
  BAD_INPUT: 400,
  UNAUTHENTICATED: 401,
  NOT_PERMITTED: 403,
  TLS_REQUIRED: 403,
  INTERNAL: 500,
}

/** Makes the reply for a refusal: what was asked, what went wrong, what to do. Rethrows internal errors. */
export function makeRefusalReply(
  error: unknown,
  { statuses = {}, otherwise = 500, words }: Refusals = {},
): Reply {
  const isRefusal = error instanceof ControllerError || error instanceof BackupdError
  if (!isRefusal) throw error
  const { code, message } = error
  const sentence = words ? `${words(error)}: ${message}` : message
  if (!isErrorCode(code)) return { status: otherwise, body: sentence, code }
  return {
    status: statuses[code] ?? FIXED[code] ?? otherwise,
    body: `${sentence.replace(/\.$/, '')}. ${ERROR_CODES[code]}`,
    code,
  }
}
