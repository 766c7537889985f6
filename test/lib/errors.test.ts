import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../src/lib/error-codes.ts'
import { BackupdError, errnoOf, hasCode, requireErrno } from '../../src/lib/errors.ts'
import { KernelError } from '../../src/lib/kernel/libc.ts'

/** As Node makes it for a call that failed with an error it does not know. */
const unknown = (errno: number) =>
  Object.assign(new Error('Unknown system error'), { code: `Unknown system error ${errno}`, errno })

test.each([
  [-122, 'EDQUOT'],
  [-116, 'ESTALE'],
  [-117, 'EUCLEAN'],
  [-123, 'ENOMEDIUM'],
  [-126, 'ENOKEY'],
])('an error without a name in Node is known by its number %i: %s', (errno, name) => {
  expect(errnoOf(unknown(errno))).toBe(name)
})

test.each([
  [37, 'ENOLCK'],
  [116, 'ESTALE'],
  [117, 'EUCLEAN'],
  [122, 'EDQUOT'],
  [11, 'EAGAIN'],
  [95, 'ENOTSUP'],
])('a failed kernel call with %i has the code %s, whether Node knows it or not', (errno, name) => {
  const error = new KernelError(errno, 'flock')
  expect([error.code, errnoOf(error)]).toEqual([name, name])
})

test('a number without a name in Linux stays a number', () => {
  expect(errnoOf(unknown(-4000))).toBe('Unknown system error -4000')
})

test('an unknown error code is refused by the compiler', () => {
  // @ts-expect-error a slip of the pen: NOT_FOUND
  const error = new BackupdError('NOT_FOUDN', 'There is no such backup')
  expect(Object.keys(ERROR_CODES)).not.toContain(error.code)
})

test('only an error of ours with the same code has that code', () => {
  const full = new BackupdError('STORE_FULL', 'the store is full')
  expect(hasCode(full, 'STORE_FULL')).toBe(true)
  expect(hasCode(full, 'NOT_FOUND')).toBe(false)
  expect(hasCode(Object.assign(new Error('full'), { code: 'STORE_FULL' }), 'STORE_FULL')).toBe(false)
  expect(hasCode(undefined, 'STORE_FULL')).toBe(false)
})

test('only a failed system call has an errno; any other error is thrown again', () => {
  expect(requireErrno(new KernelError(1, 'ioctl'))).toBe('EPERM')
  const others = [new TypeError('a fault of ours'), new BackupdError('CANCELLED', 'cancelled'), 'text']
  for (const error of others)
    expect(() => requireErrno(error)).toThrow(expect.toSatisfy((it) => it === error))
})
