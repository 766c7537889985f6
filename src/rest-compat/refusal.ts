import { ControllerError } from '../client/execute.ts'
import { ERROR_CODES, isErrorCode } from '../lib/error-codes.ts'
import { BackupdError } from '../lib/errors.ts'
import type { Reply } from './reply.ts'

/** How a row says no: the status of each code as the recorded system has it there. */
export interface Refusals {
  statuses?: Readonly<Record<string, number>>
  /** For every code that is not named; 500 where nothing is said. */
  otherwise?: 400 | 500
  /** Recorded words that stand in front, for scripts that look for them. */
  words?(error: Refusal): string
}

export interface Refusal {
  code: string
  message: string
  facts: Readonly<Record<string, unknown>>
}

/** These mean the same everywhere. */
const FIXED: Readonly<Record<string, number>> = { BAD_INPUT: 400, INTERNAL: 500 }

/** What was asked and what went wrong, then what to do. Throws what is no refusal but a fault. */
export function refusalOf(error: unknown, { statuses = {}, otherwise = 500, words }: Refusals = {}): Reply {
  const isRefusal = error instanceof ControllerError || error instanceof BackupdError
  if (!isRefusal) throw error
  const { code, message } = error
  const sentence = words ? `${words(error)}: ${message}` : message
  return {
    status: statuses[code] ?? FIXED[code] ?? otherwise,
    body: isErrorCode(code) ? `${sentence.replace(/\.$/, '')}. ${ERROR_CODES[code]}` : sentence,
    code,
  }
}
