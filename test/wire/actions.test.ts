import { expect, test } from 'vitest'
import { can } from '../../src/wire/actions.ts'
import { isTerminal, RECORD_STATES } from '../../src/wire/record.ts'

test.each(RECORD_STATES)('a run that is %s can be cancelled only if it has not ended', (state) => {
  const hasEnded = state !== 'queued' && state !== 'running'
  expect(can('cancel', state)).toBe(!hasEnded)
  expect(isTerminal(state)).toBe(hasEnded)
})
