import { expect, test } from 'vitest'
import { PauseSwitch } from '../../src/engine/pause-switch.ts'

test('a run that is paused again before it goes on stays paused', async () => {
  const pausing = new PauseSwitch()
  pausing.set(true)
  let isOn = false
  const resumed = pausing.resumed(new AbortController().signal).then(() => {
    isOn = true
  })
  pausing.set(false)
  pausing.set(true)
  await new Promise(setImmediate)
  expect(isOn).toBe(false)
  pausing.set(false)
  await resumed
})
