import { expect, onTestFinished, test } from 'vitest'
import { rereadOnHangUp } from '../../src/cli/on-hang-up.ts'
import { keepingLog } from '../support/keeping-log.ts'

test('SIGHUP reads the inventory again, does not end a start, and survives a failure', async () => {
  const others = process.listeners('SIGHUP')
  onTestFinished(() => {
    for (const added of process.listeners('SIGHUP')) if (!others.includes(added)) process.off('SIGHUP', added)
  })
  const log = keepingLog()
  const hangUp = rereadOnHangUp(log)
  process.emit('SIGHUP')
  expect(log.lines).toEqual([])
  let reads = 0
  hangUp.begin(async () => {
    reads += 1
    throw new Error('no such file')
  })
  process.emit('SIGHUP')
  await expect.poll(() => log.lines.at(-1)).toBe('Cannot read the inventory again: no such file')
  process.emit('SIGHUP')
  expect(reads).toBe(2)
})
