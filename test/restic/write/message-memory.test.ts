import { MessageChannel } from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import { MessageMemory, returnMemory } from '../../../src/restic/write/message-memory.ts'

const MIB = 2 ** 20

function makeMemory() {
  const { port1, port2 } = new MessageChannel()
  onTestFinished(() => port1.close())
  const memory = new MessageMemory(port2)
  /** Takes memory whose first byte is `mark`. */
  const takeMarked = (bytes: number, mark: number) => {
    const taken = memory.take(bytes)
    taken[0] = mark
    return taken
  }
  return { memory, takeMarked, giveBack: (bytes: Buffer<ArrayBuffer>) => returnMemory(port1, bytes) }
}

test('memory that came back is used again, whatever part of it was a message', () => {
  const { memory, takeMarked, giveBack } = makeMemory()
  giveBack(takeMarked(1000, 7).subarray(0, 1000))
  const again = memory.take(MIB)
  expect([again[0], again.length >= MIB]).toEqual([7, true])
})

test('memory in use is not given twice', () => {
  const { memory, takeMarked, giveBack } = makeMemory()
  const first = takeMarked(10, 1)
  const second = takeMarked(10, 2)
  expect(first.buffer).not.toBe(second.buffer)
  giveBack(second)
  memory.take(10)
  expect(memory.take(10)[0]).not.toBe(2)
  expect(first[0]).toBe(1)
})

test('the memory of a long message is its own, and freed when it comes back', () => {
  const { memory, giveBack } = makeMemory()
  const long = memory.take(5 * MIB)
  expect(long.length).toBe(5 * MIB)
  giveBack(long)
  expect(long.length).toBe(0)
  expect(memory.take(10).length).toBeLessThan(5 * MIB)
})
