import { constants } from 'node:os'
import { expect, test } from 'vitest'
import { KernelError } from '../../../../src/lib/kernel/libc.ts'
import { RecheckSteps } from '../../../../src/volume/tree/recheck/recheck-steps.ts'

const { EACCES, EIO, ELOOP, ENOENT, ENOTDIR, EXDEV } = constants.errno

function makeSteps() {
  const warnings: string[] = []
  const abort = new AbortController()
  const steps = new RecheckSteps({
    signal: abort.signal,
    onWarning: ({ severity, path, message }) => void warnings.push(`${severity} ${path}: ${message}`),
    onRecheck: () => {},
  })
  const fail = (path: string, errno: number) =>
    steps.attempt(Buffer.from(path), () => Promise.reject(new KernelError(errno, 'open')))
  return { steps, warnings, abort, fail }
}

test.each([ENOENT, ENOTDIR, ELOOP, EXDEV])(
  'with errno %i an entry is missing, without a warning',
  async (errno) => {
    const { fail, warnings } = makeSteps()
    expect(await fail('a', errno)).toBeNull()
    expect(warnings).toEqual([])
  },
)

test('an unreadable entry is a fault, once for each path', async () => {
  const { fail, warnings } = makeSteps()
  for (const errno of [EIO, EACCES]) expect(await fail('a', errno)).toBeUndefined()
  expect(await fail('b', EACCES)).toBeUndefined()
  expect(warnings).toEqual([
    'fault a: cannot be checked again: i/o error (EIO)',
    'fault b: cannot be checked again: permission denied (EACCES)',
  ])
})

test('beyond a thousand paths one warning covers the others', async () => {
  const { fail, warnings } = makeSteps()
  for (let n = 0; n < 1100; n++) await fail(`${n}`, EIO)
  expect(warnings).toHaveLength(1001)
  expect(warnings.at(-1)).toBe('fault : more than 1000 entries cannot be checked again')
})

test('a cancelled run ends, and a bug does not count as a fault of the file system', async () => {
  const { steps, fail, abort } = makeSteps()
  await expect(steps.attempt(Buffer.from('a'), () => Promise.reject(new TypeError('bug')))).rejects.toThrow(
    'bug',
  )
  abort.abort(new Error('cancelled'))
  await expect(fail('a', EIO)).rejects.toThrow('cancelled')
  await expect(steps.next(Buffer.from('a'))).rejects.toThrow('cancelled')
})
