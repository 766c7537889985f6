/** A value that survives JSON. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

export interface ErrorDetails {
  /** What a program may want to know: sizes, names, limits. */
  facts?: Record<string, Json>
  cause?: unknown
}

/**
 * The one error type that is meant for people.
 * `message` is a sentence: what was asked, what went wrong, what to do. `code` is stable (see wire/error-codes.ts).
 */
export class BackupdError extends Error {
  readonly code: string
  readonly facts: Record<string, Json>

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'BackupdError'
    this.code = code
    this.facts = details.facts ?? {}
  }
}

/** The system error code (`ENOENT`) of a failed call, or undefined. */
export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

/** A sentence for whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
