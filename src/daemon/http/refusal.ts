import { BackupdError, messageOf } from '../../lib/errors.ts'

/** What a failed request is answered with: a sentence, and the code for programs in ERROR_CODE_HEADER. */
export interface Refusal {
  status: number
  code: string
  message: string
}

export const ERROR_CODE_HEADER = 'x-backupd-error-code'

const STATUS: Readonly<Record<string, number>> = {
  BAD_INPUT: 400,
  TOO_COSTLY: 400,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  VOLUME_IN_USE: 409,
  VOLUME_LOCKED: 409,
  REPOSITORY_LOCKED: 409,
  STORE_UNAVAILABLE: 503,
  REPOSITORY_PASSWORD: 503,
  REPOSITORY_DAMAGED: 503,
  STORE_NOT_MOUNTED: 503,
  TIMED_OUT: 503,
  STORE_FULL: 507,
}

/** @param notFound the status of NOT_FOUND on this route */
export function refusalOf(error: unknown, notFound = 404): Refusal {
  if (!(error instanceof BackupdError)) return ofFramework(error) ?? fault(error)
  const { code, message } = error
  return { status: code === 'NOT_FOUND' ? notFound : (STATUS[code] ?? 500), code, message }
}

/** The HTTP framework's own refusals, in our words. */
function ofFramework(error: unknown): Refusal | undefined {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
  if (status >= 500) return undefined
  return { status, code: 'BAD_INPUT', message: FRAMEWORK_WORDS[status] ?? messageOf(error) }
}

function fault(error: unknown): Refusal {
  return { status: 500, code: 'INTERNAL', message: `A fault of the daemon: ${messageOf(error)}. See its log` }
}

const FRAMEWORK_WORDS: Readonly<Record<number, string>> = {
  413: 'The body is larger than this route takes: send less at once',
  415: 'The content type of the body is not known here: send application/x-www-form-urlencoded or application/json',
}
