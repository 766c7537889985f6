import { constants } from 'node:os'
import type { ErrorCode } from './error-codes.ts'

/** A value that survives JSON. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

export interface ErrorDetails {
  /** Values for programs: sizes, names, limits. */
  facts?: Record<string, Json>
  cause?: unknown
}

/**
 * The only error type whose message is meant for people: a sentence that says what was asked, what went wrong and what
 * to do. `code` is stable (see error-codes.ts).
 */
export class BackupdError extends Error {
  readonly code: ErrorCode
  readonly facts: Record<string, Json>

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'BackupdError'
    this.code = code
    this.facts = details.facts ?? {}
  }
}

/** Whether `error` is an error of ours with this code. */
export function hasCode<Code extends ErrorCode>(
  error: unknown,
  code: Code,
): error is BackupdError & { code: Code } {
  return error instanceof BackupdError && error.code === code
}

/** Linux error numbers that neither Node's errors nor `os.constants` name. */
const MISSING_IN_NODE: readonly [number, string][] = [
  [108, 'ESHUTDOWN'],
  [112, 'EHOSTDOWN'],
  [117, 'EUCLEAN'],
  [121, 'EREMOTEIO'],
  [123, 'ENOMEDIUM'],
  [126, 'ENOKEY'],
  [127, 'EKEYEXPIRED'],
  [128, 'EKEYREVOKED'],
]
const ERRNO_NAMES = new Map([
  ...MISSING_IN_NODE,
  ...Object.entries(constants.errno).map(([name, number]) => [number, name] as const),
])

/** The name of a Linux error number; undefined if there is none. */
export function nameErrno(errno: number): string | undefined {
  return ERRNO_NAMES.get(Math.abs(errno))
}

/**
 * The system error code (`ENOENT`) of a failed call, or undefined. Also names errors such as EDQUOT and ESTALE, which
 * Node calls "Unknown system error -122".
 */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, errno } = error as NodeJS.ErrnoException
  if (typeof code === 'string' && !code.startsWith('Unknown system error ')) return code
  const name = typeof errno === 'number' ? nameErrno(errno) : undefined
  return name ?? (typeof code === 'string' ? code : undefined)
}

/** Whether a system call failed. Any other error is ours, or a fault of the program. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return !(error instanceof BackupdError) && errnoOf(error) !== undefined
}

/** The code of a failed system call. Throws any other error again. */
export function requireErrno(error: unknown): string {
  const code = isSystemError(error) ? errnoOf(error) : undefined
  if (code === undefined) throw error
  return code
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
