import { expect, test, vi } from 'vitest'
import { afterOwnTime } from '../../src/lib/own-time.ts'

function blockLoop(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

test('a wait ends after its time', async () => {
  const act = vi.fn()
  afterOwnTime(300, act)
  await expect.poll(() => act.mock.calls.length, { timeout: 10_000 }).toBe(1)
})

test('a wait does not end because the loop was blocked', async () => {
  const act = vi.fn()
  using _wait = afterOwnTime(200, act)
  blockLoop(1000)
  await new Promise((resolve) => setTimeout(resolve, 0))
  await new Promise(setImmediate)
  expect(act).not.toHaveBeenCalled()
})

test('a wait that is disposed never ends', async () => {
  const act = vi.fn()
  afterOwnTime(20, act)[Symbol.dispose]()
  const later = Promise.withResolvers<void>()
  afterOwnTime(60, () => later.resolve())
  await later.promise
  expect(act).not.toHaveBeenCalled()
})
