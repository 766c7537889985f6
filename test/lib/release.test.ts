import { expect, test } from 'vitest'
import { release } from '../../src/lib/release.ts'

test.each([
  ['a small buffer of its own', Buffer.allocUnsafeSlow(32 * 1024)],
  ['a part of a large one', Buffer.alloc(Buffer.poolSize * 2).subarray(0, 10)],
  ['nothing of a large one', Buffer.alloc(Buffer.poolSize * 2).subarray(0, 0)],
])('%s is freed, and a second time does nothing', (_, bytes) => {
  release(bytes)
  expect(bytes.buffer.byteLength).toBe(0)
  release(bytes)
})

test('the pool of small buffers is left to others', () => {
  const [first, second] = [Buffer.from('first'), Buffer.from('second')]
  release(first)
  expect(second.toString()).toBe('second')
  expect(first.toString()).toBe('first')
})
