import { expect } from 'vitest'
import type { RunEnd, Runner, RunnerEvents, RunTask } from '../../src/engine/ports.ts'
import { startEngine } from './start-engine.ts'

export const SUCCESS = { state: 'success', reason: '', result: null } satisfies RunEnd

interface Begun {
  task: RunTask
  on: RunnerEvents
  end(end: RunEnd): void
}

/** An engine whose runs end when the test says so. */
export async function heldEngine(options: Parameters<typeof startEngine>[0] = {}) {
  const begun: Begun[] = []
  const runner: Runner = {
    run(task, on) {
      const { promise, resolve } = Promise.withResolvers<RunEnd>()
      begun.push({ task, on, end: resolve })
      return promise
    },
    close: async () => {},
  }
  const nth = (n: number) =>
    expect
      .poll(() => begun[n])
      .toBeDefined()
      .then(() => begun[n] as Begun)
  return { ...(await startEngine({ ...options, runner })), begun, nth }
}
