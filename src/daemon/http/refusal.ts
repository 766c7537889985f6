import { frameworkRefusal } from '../../http/framework-refusal.ts'
import type { ErrorCode } from '../../lib/error-codes.ts'
import { BackupdError, messageOf } from '../../lib/errors.ts'

/** The answer to a failed request: a sentence, and the code for programs in ERROR_CODE_HEADER. */
export interface DaemonRefusal {
  status: number
  code: ErrorCode
  message: string
}

const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  BAD_INPUT: 400,
  TOO_COSTLY: 400,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  VOLUME_IN_USE: 409,
  VOLUME_LOCKED: 409,
  PLAN_STALE: 409,
  REPOSITORY_LOCKED: 409,
  STORE_UNAVAILABLE: 503,
  REPOSITORY_PASSWORD: 503,
  REPOSITORY_DAMAGED: 503,
  REPOSITORY_MISSING: 503,
  STORE_CHANGED: 503,
  STORE_NOT_MOUNTED: 503,
  TIMED_OUT: 503,
  OVERLOADED: 503,
  STORE_FULL: 507,
  DISK_FULL: 507,
}

/** @param notFound the status of NOT_FOUND on this route */
export function toRefusal(error: unknown, notFound = 404): DaemonRefusal {
  if (!(error instanceof BackupdError)) {
    const refused = frameworkRefusal(error)
    return refused ? { ...refused, code: 'BAD_INPUT' } : makeInternalRefusal(error)
  }
  const { code, message } = error
  return { status: code === 'NOT_FOUND' ? notFound : (STATUS[code] ?? 500), code, message }
}

function makeInternalRefusal(error: unknown): DaemonRefusal {
  return { status: 500, code: 'INTERNAL', message: `A fault of the daemon: ${messageOf(error)}. See its log` }
}
