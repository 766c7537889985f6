import { expect, test } from 'vitest'
import { errnoOf } from '../../src/lib/errors.ts'

/** As Node makes it for a call that failed with an error it does not know. */
const unknown = (errno: number) =>
  Object.assign(new Error('Unknown system error'), { code: `Unknown system error ${errno}`, errno })

test.each([
  [-122, 'EDQUOT'],
  [-116, 'ESTALE'],
  [-117, 'EUCLEAN'],
  [-123, 'ENOMEDIUM'],
  [-126, 'ENOKEY'],
])('an error that Node has no name for is known by its number %i: %s', (errno, name) => {
  expect(errnoOf(unknown(errno))).toBe(name)
})

test('a number that Linux has no name for stays as it is', () => {
  expect(errnoOf(unknown(-4000))).toBe('Unknown system error -4000')
})
