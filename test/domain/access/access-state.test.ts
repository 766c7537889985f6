import { expect, test } from 'vitest'
import { AccessState, MAX_USES } from '../../../src/domain/access/access-state.ts'

test('access that cannot be closed for good counts as open, so that nobody believes otherwise', async () => {
  const failure = new Error('the disk is full')
  let isFull = true
  const enforce = async () => {
    if (isFull) throw failure
  }
  const state = new AccessState({ isEnforced: false, enforce })
  await expect(state.enforce()).rejects.toBe(failure)
  expect(state.isEnforced).toBe(false)
  isFull = false
  await state.enforce()
  expect(state.isEnforced).toBe(true)
})

test('access is closed only once that is on disk', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const state = new AccessState({ isEnforced: false, enforce: () => promise })
  const done = state.enforce()
  expect(state.isEnforced).toBe(false)
  resolve()
  await done
  expect(state.isEnforced).toBe(true)
})

test('of more requests without a token than are kept, the ones longest ago are forgotten', () => {
  const state = new AccessState({ isEnforced: false, enforce: async () => {} })
  for (let n = 0; n < MAX_USES; n++) state.noteAnonymous(`10.0.${n >> 8}.${n & 255}`, 'POST /graphql', n)
  state.noteAnonymous('10.0.0.0', 'POST /graphql', MAX_USES)
  state.noteAnonymous('10.1.0.0', 'POST /graphql', MAX_USES + 1)
  const uses = state.listAnonymous()
  expect(uses).toHaveLength(MAX_USES)
  expect(uses.slice(0, 2)).toEqual([
    { address: '10.1.0.0', request: 'POST /graphql', count: 1, lastAt: MAX_USES + 1 },
    { address: '10.0.0.0', request: 'POST /graphql', count: 2, lastAt: MAX_USES },
  ])
  expect(uses.some(({ address }) => address === '10.0.0.1')).toBe(false)
})
