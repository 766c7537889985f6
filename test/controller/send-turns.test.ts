import { expect, test } from 'vitest'
import { SendTurns } from '../../src/controller/send-turns.ts'

/** Works for longer than one sender may in a turn. */
function work(): void {
  const began = performance.now()
  while (performance.now() - began < 20);
}

test('a sender that has worked for long waits until others have had a turn', async () => {
  const turns = new SendTurns()
  const seen: string[] = []
  setImmediate(() => seen.push('another'))
  await turns.pass()
  seen.push('first message')
  work()
  await turns.pass()
  seen.push('second message')
  expect(seen).toEqual(['first message', 'another', 'second message'])
})

test('senders that wait for a turn get it in the order in which they asked', async () => {
  const turns = new SendTurns()
  const seen: string[] = []
  const send = async (name: string) => {
    for (let n = 1; n <= 2; n++) {
      await turns.pass()
      seen.push(`${name}${n}`)
      work()
    }
  }
  await Promise.all([send('a'), send('b'), send('c')])
  expect(seen).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'c2'])
})
