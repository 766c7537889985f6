import { expect, test } from 'vitest'
import { canJob, canRun, type RunAction } from '../../src/wire/actions.ts'
import { isTerminal, RECORD_STATES, type RecordState } from '../../src/wire/record.ts'

test.each(RECORD_STATES)('a run that is %s can be cancelled only if it has not ended', (state) => {
  const hasEnded = state !== 'queued' && state !== 'running'
  expect(canRun('cancel', state)).toBe(!hasEnded)
  expect(isTerminal(state)).toBe(hasEnded)
})

test.each<[RunAction, RecordState[]]>([
  ['endAtOnce', ['queued']],
  ['replace', ['queued', 'running', 'lost']],
  ['revive', ['lost']],
  ['refuseSameJob', ['queued']],
  ['refuseSameVolume', ['queued', 'running']],
])('%s is for runs that are %j only', (action, states) => {
  expect(RECORD_STATES.filter((state) => canRun(action, state))).toEqual(states)
})

test.each(['run', 'sleep', 'wake'] as const)('an expire job, which has no id, cannot %s', (action) => {
  expect(canJob(action, { id: '' })).toBe(false)
  expect(canJob(action, { id: '0a000001-backup' })).toBe(true)
})
