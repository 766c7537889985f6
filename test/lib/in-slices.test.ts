import { expect, onTestFinished, test } from 'vitest'
import { doAtOnce, doInSlices, type Interruptible } from '../../src/lib/in-slices.ts'

/** Takes a millisecond for each step. */
function* count(steps: number): Interruptible<number> {
  for (let n = 0; n < steps; n++) {
    const until = performance.now() + 1
    while (performance.now() < until);
    yield
  }
  return steps
}

function* fail(): Interruptible<never> {
  yield
  throw new Error('no such app')
}

test('work in slices gives its result, and timers are served meanwhile', async () => {
  let ticks = 0
  const timer = setInterval(() => {
    ticks += 1
  }, 1)
  onTestFinished(() => clearInterval(timer))
  expect(await doInSlices(count(100))).toBe(100)
  expect(ticks).toBeGreaterThan(2)
})

test('work at once gives the same result', () => {
  expect(doAtOnce(count(3))).toBe(3)
})

test('an error of the work is passed on', async () => {
  await expect(doInSlices(fail())).rejects.toThrow('no such app')
  expect(() => doAtOnce(fail())).toThrow('no such app')
})
