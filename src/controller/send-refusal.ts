import { randomUUID } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { printJson } from '../http/app.ts'
import { frameworkRefusal } from '../http/framework-refusal.ts'
import type { ErrorCode } from '../lib/error-codes.ts'
import { BackupdError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { ERROR_CODE_HEADER } from '../wire/error-code-header.ts'

const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  BAD_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_PERMITTED: 403,
  TLS_REQUIRED: 403,
  TOO_MANY_SIGN_INS: 429,
  NOT_FOUND: 404,
  CONFLICT: 409,
  TOO_COSTLY: 503,
  OVERLOADED: 503,
  CATALOG_UNUSABLE: 503,
  ARCHIVE_CORRUPT: 500,
  ARCHIVE_UNSAFE: 500,
  CANCELLED: 503,
  DAEMON_RESTARTED: 503,
  RUNNER_DIED: 503,
  STORE_CHANGED: 503,
  SYSTEM_REFUSED: 500,
  SNAPSHOT_CORRUPT: 500,
  DAEMON_REFUSED: 502,
  DAEMON_UNREACHABLE: 502,
  REPOSITORY_DAMAGED: 503,
  REPOSITORY_LOCKED: 503,
  REPOSITORY_MISSING: 503,
  REPOSITORY_PASSWORD: 503,
  STORE_NOT_MOUNTED: 503,
  STORE_UNAVAILABLE: 503,
  TIMED_OUT: 504,
}

/** The body of a refusal says what is wrong: as GraphQL errors at /graphql, as a JSON string elsewhere. */
export function sendRefusal(
  error: unknown,
  request: FastifyRequest,
  { reply, log }: { reply: FastifyReply; log: Log },
): FastifyReply {
  const { status, code, message } = toRefusal(error, log)
  const words = request.url.startsWith('/graphql') ? { errors: [{ message, extensions: { code } }] } : message
  return printJson(reply.code(status).header(ERROR_CODE_HEADER, code), words)
}

function toRefusal(error: unknown, log: Log): { status: number; code: ErrorCode; message: string } {
  if (error instanceof BackupdError && STATUS[error.code] !== undefined) {
    return { status: STATUS[error.code] ?? 500, code: error.code, message: error.message }
  }
  const refused = frameworkRefusal(error)
  if (refused) return { ...refused, code: 'BAD_INPUT' }
  const id = randomUUID()
  log.error({ id, err: error }, 'A request failed with an internal error')
  return { status: 500, code: 'INTERNAL', message: `Something went wrong here; the log has it under ${id}` }
}
