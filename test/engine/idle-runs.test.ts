import { expect, test } from 'vitest'
import { IdleRuns } from '../../src/engine/idle-runs.ts'
import { PauseSwitch } from '../../src/engine/pause-switch.ts'
import type { Run } from '../../src/engine/run.ts'
import { WAIT_FOR_STORE } from '../../src/wire/record.ts'

/** An idle run and another one, of a queue that is as busy as the test says. */
function idleRun() {
  const queue = { isBusy: false }
  const watched: string[] = []
  const watch = { begin: () => void watched.push('begin'), end: () => void watched.push('end') }
  const runs = new IdleRuns({ queue, watch })
  const [idle, other] = [{ pausing: new PauseSwitch() }, {}] as unknown as [Run, Run]
  runs.begin(idle)
  return { runs, queue, watched, idle, other, isPaused: () => idle.pausing?.isPaused }
}

test('an idle run is paused while another has to wait for the store, and is not watched once it rests', () => {
  const { runs, idle, other, watched, isPaused } = idleRun()
  runs.noteProgress(other, { phase: WAIT_FOR_STORE })
  expect(isPaused()).toBe(true)
  expect(watched).toEqual([])
  runs.noteProgress(idle, { phase: 'paused' })
  runs.noteProgress(other, { phase: 'prune' })
  expect(isPaused()).toBe(true)
  runs.end(other)
  expect(isPaused()).toBe(false)
  expect(watched).toEqual(['end', 'begin'])
  runs.noteProgress(idle, { phase: WAIT_FOR_STORE })
  expect(isPaused()).toBe(false)
})

test('an idle run that hangs before it rests stays watched', () => {
  const { runs, idle, other, watched } = idleRun()
  runs.noteProgress(other, { phase: WAIT_FOR_STORE })
  runs.end(other)
  runs.noteProgress(idle, { phase: 'paused' })
  expect(watched).toEqual([])
})

test('an idle run stays paused while heavy runs exist', () => {
  const { runs, queue, idle, other, isPaused } = idleRun()
  queue.isBusy = true
  runs.pause(idle, true)
  runs.noteProgress(other, { phase: WAIT_FOR_STORE })
  runs.end(other)
  expect(isPaused()).toBe(true)
  queue.isBusy = false
  runs.pause(idle, false)
  expect(isPaused()).toBe(false)
})

test('what waits for the end of a pause goes on when it ends, or when it is aborted', async () => {
  const pausing = new PauseSwitch()
  const aborting = new AbortController()
  await pausing.resumed(aborting.signal)
  pausing.set(true)
  const resumed = pausing.resumed(aborting.signal)
  pausing.set(false)
  await resumed
  pausing.set(true)
  const aborted = pausing.resumed(aborting.signal)
  aborting.abort()
  await aborted
  expect(pausing.isPaused).toBe(true)
})
