import { expect, test } from 'vitest'
import { BackupdError } from '../../src/lib/errors.ts'
import { namedSteps } from '../../src/lib/steps.ts'

const { signal } = new AbortController()

test('a failure names the task and the step, and keeps code, facts and cause', async () => {
  const cause = new BackupdError('NO_ROOM', 'it needs 5 bytes', { facts: { needed: 5 } })
  const { step } = namedSteps('Cannot recover "db"', signal)
  await expect(step('check for room', () => Promise.reject(cause))).rejects.toMatchObject({
    code: 'NO_ROOM',
    message: 'Cannot recover "db": it needs 5 bytes (step "check for room")',
    facts: { needed: 5, step: 'check for room' },
    cause,
  })
})

test('a full disk is not an internal error, unknown errors are', async () => {
  const { step } = namedSteps('Cannot do it', signal)
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  await expect(step('write', () => Promise.reject(full))).rejects.toMatchObject({ code: 'NO_ROOM' })
  await expect(step('write', () => Promise.reject(new TypeError('x')))).rejects.toMatchObject({
    code: 'INTERNAL',
  })
})

test('a cancelled step throws the reason, unless an operator must know about a failure', async () => {
  const cancel = new AbortController()
  const reason = new BackupdError('CANCELLED', 'cancelled')
  const { step } = namedSteps('Cannot do it', cancel.signal)
  const locked = new BackupdError('VOLUME_LOCKED', 'it could not be put back')
  const abortAnd = (error: unknown) => () => {
    cancel.abort(reason)
    return Promise.reject(error)
  }
  await expect(step('swap', abortAnd(locked))).rejects.toMatchObject({ code: 'VOLUME_LOCKED' })
  const second = namedSteps('Cannot do it', AbortSignal.abort(reason))
  await expect(second.step('next', () => 1)).rejects.toBe(reason)
})
