import type { ErrorCode } from '../lib/error-codes.ts'
import type { Json } from '../lib/errors.ts'

/** A refused request; nothing was changed. The API layer converts it to its own kind of error. */
export interface Refused {
  refused: ErrorCode
  /** A sentence: what was asked, why it was refused, what to do. */
  message: string
  facts: Record<string, Json>
}

export type Answer<T> = T | Refused

export function refuse(code: ErrorCode, message: string, facts: Record<string, Json> = {}): Refused {
  return { refused: code, message, facts }
}

export function isRefused(answer: unknown): answer is Refused {
  return typeof answer === 'object' && answer !== null && 'refused' in answer
}
