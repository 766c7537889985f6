import { errnoOf, messageOf } from '../lib/errors.ts'

/** Our texts by error code of the HTTP framework. */
const WORDS: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'The body is larger than this route accepts: send less at once',
  FST_ERR_CTP_INVALID_MEDIA_TYPE:
    'The content type of the body is not supported here: send application/json, or on the REST routes application/x-www-form-urlencoded',
  FST_ERR_CTP_INVALID_JSON_BODY:
    'The body is not valid JSON, although its content type says so: send valid JSON, or name the right type',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body is empty, although its content type is JSON: send JSON',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH:
    'The length of the body differs from its Content-Length: send all of it, or leave that header out',
  FST_ERR_BAD_URL: 'The path is not a valid URL: percent-encode names as UTF-8, and a % in them as %25',
  FST_ERR_MAX_PARAM_LENGTH: 'A name in the path is too long: copy it from a list',
}

/** The HTTP framework's own refusals with our texts; undefined for an internal error. */
export function frameworkRefusal(error: unknown): { status: number; message: string } | undefined {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
  if (status >= 500) return undefined
  return { status, message: WORDS[errnoOf(error) ?? ''] ?? messageOf(error) }
}
