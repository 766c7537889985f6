import { expect, test } from 'vitest'
import { Wake } from '../../../src/daemon/notifier/wake.ts'

/** Whether it has resolved when everything that is due has been done. */
async function isOver(waiting: Promise<void>): Promise<boolean> {
  let over = false
  void waiting.then(() => {
    over = true
  })
  await new Promise(setImmediate)
  return over
}

test('a ring ends one wait, also a later one, and only one', async () => {
  const wake = new Wake()
  wake.ring()
  wake.ring()
  expect(await isOver(wake.wait(Number.POSITIVE_INFINITY))).toBe(true)
  const second = wake.wait(Number.POSITIVE_INFINITY)
  expect(await isOver(second)).toBe(false)
  wake.ring()
  expect(await isOver(second)).toBe(true)
  const third = wake.wait(3_600_000)
  expect(await isOver(third)).toBe(false)
  wake.ring()
  await third
})

test('a wait that is due ends without a ring', async () => {
  const wake = new Wake()
  await wake.wait(-5)
  await wake.wait(0)
})
