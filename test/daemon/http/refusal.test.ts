import { errorCodes } from 'fastify'
import { expect, test } from 'vitest'
import { toRefusal } from '../../../src/daemon/http/refusal.ts'
import { ERROR_CODES, type ErrorCode } from '../../../src/lib/error-codes.ts'
import { BackupdError } from '../../../src/lib/errors.ts'

const STATUS: Partial<Record<ErrorCode, number>> = {
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
  STORE_CHANGED: 503,
  STORE_NOT_MOUNTED: 503,
  TIMED_OUT: 503,
  OVERLOADED: 503,
  REPOSITORY_PASSWORD: 503,
  REPOSITORY_DAMAGED: 503,
  REPOSITORY_MISSING: 503,
  STORE_FULL: 507,
  DISK_FULL: 507,
}

test.each(Object.keys(ERROR_CODES) as ErrorCode[])(
  'the status of %s says what the caller can do, and whether to try again',
  (code) => {
    expect(toRefusal(new BackupdError(code, 'no'))).toEqual({
      status: STATUS[code] ?? 500,
      code,
      message: 'no',
    })
  },
)

test('only a missing thing gets the status that the legacy system has for it on a route', () => {
  expect(toRefusal(new BackupdError('NOT_FOUND', 'no'), 503).status).toBe(503)
  expect(toRefusal(new BackupdError('FORBIDDEN', 'no'), 503).status).toBe(403)
})

test('an internal error is 500, and an unreadable body is an error of the caller', () => {
  expect(toRefusal(new TypeError('x is undefined'))).toMatchObject({ status: 500, code: 'INTERNAL' })
  expect(toRefusal('thrown text')).toMatchObject({ status: 500, code: 'INTERNAL' })
  expect(toRefusal(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE())).toMatchObject({
    status: 413,
    code: 'BAD_INPUT',
    message: expect.stringContaining('send less at once'),
  })
})
