import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { AtOnceRunner } from '../../src/engine/at-once-runner.ts'
import type { RunEnd, Runner, RunTask } from '../../src/engine/ports.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { runSettings } from '../support/run-settings.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A runner whose processes end when they are told to: one that hangs in the kernel cannot even be killed. */
function hangingRunner() {
  const tasks: { task: RunTask; end(end: RunEnd): void }[] = []
  const runner: Runner = {
    run(task) {
      const { promise, resolve } = Promise.withResolvers<RunEnd>()
      tasks.push({ task, end: resolve })
      return promise
    },
    close: async () => {},
  }
  return { runner, tasks }
}

test('a hanging store holds only a few processes, however often it is asked', async () => {
  const { runner, tasks } = hangingRunner()
  const settings = await runSettings()
  const atOnce = new AtOnceRunner({ clock: systemClock, runner, settings, onLog() {} })
  for (let round = 0; round < 3; round++) {
    const answers = Array.from({ length: 5 }, () => atOnce.ask('store_space', {}))
    const refused = Promise.all(
      answers.map((answer) => expect(answer).rejects.toThrow('gave no answer in 9 s')),
    )
    await vi.advanceTimersByTimeAsync(9000)
    await refused
  }
  expect(tasks).toHaveLength(6)
  expect(tasks.every(({ task }) => task.signal.aborted)).toBe(true)

  for (const { end } of tasks) end({ state: 'success', reason: '', result: null })
  const answer = atOnce.ask('store_space', {})
  await vi.advanceTimersByTimeAsync(0)
  tasks.at(-1)?.end({ state: 'success', reason: '', result: { freeBytes: 1 } })
  expect(await answer).toEqual({ freeBytes: 1 })
})

test('an action without a process gives its turn back', async () => {
  let failures = 20
  const runner: Runner = {
    run: async () => {
      if (failures-- > 0) throw new Error('no process')
      return { state: 'success', reason: '', result: { said: 'yes' } }
    },
    close: async () => {},
  }
  const settings = await runSettings()
  const atOnce = new AtOnceRunner({ clock: systemClock, runner, settings, onLog: () => {} })
  for (let n = 0; n < 20; n++) await expect(atOnce.ask('echo', {})).rejects.toThrow('no process')
  expect(await atOnce.ask('echo', {})).toEqual({ said: 'yes' })
})
