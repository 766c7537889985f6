import { constants } from 'node:os'
import type { ErrorCode } from './error-codes.ts'

/** A value that survives JSON. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

export interface ErrorDetails {
  /** What a program may want to know: sizes, names, limits. */
  facts?: Record<string, Json>
  cause?: unknown
}

/**
 * The one error type that is meant for people.
 * `message` is a sentence: what was asked, what went wrong, what to do. `code` is stable (see error-codes.ts).
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

/** By their numbers on Linux, the codes for which neither Node's errors nor `os.constants` have a name. */
const UNNAMED: readonly [number, string][] = [
  [108, 'ESHUTDOWN'],
  [112, 'EHOSTDOWN'],
  [117, 'EUCLEAN'],
  [121, 'EREMOTEIO'],
  [123, 'ENOMEDIUM'],
  [126, 'ENOKEY'],
  [127, 'EKEYEXPIRED'],
  [128, 'EKEYREVOKED'],
]
const NAMES = new Map([
  ...UNNAMED,
  ...Object.entries(constants.errno).map(([name, number]) => [number, name] as const),
])

/** The name of an error of Linux by its number; undefined if there is none. */
export function nameErrno(errno: number): string | undefined {
  return NAMES.get(Math.abs(errno))
}

/**
 * The system error code (`ENOENT`) of a failed call, or undefined. Node calls those it has no name for, such as EDQUOT
 * and ESTALE, "Unknown system error -122": they are named here.
 */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, errno } = error as NodeJS.ErrnoException
  if (typeof code === 'string' && !code.startsWith('Unknown system error ')) return code
  const name = typeof errno === 'number' ? nameErrno(errno) : undefined
  return name ?? (typeof code === 'string' ? code : undefined)
}

/** A sentence for whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
