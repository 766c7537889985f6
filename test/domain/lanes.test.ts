import { expect, test } from 'vitest'
import { Lanes } from '../../src/domain/lanes.ts'

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

test('work that waits for an answer lets other work begin, and goes on before more begins', async () => {
  const lanes = new Lanes({ busy: 1, begun: 3, gapMs: 0 })
  const [answer, other] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const told: string[] = []
  const waiting = lanes.run('a', async (lane) => {
    await lane.wait(answer.promise)
    told.push('a goes on')
  })
  const working = lanes.run('b', async () => {
    told.push('b begins')
    await other.promise
  })
  const last = lanes.run('c', async () => void told.push('c begins'))
  await turns(3)
  answer.resolve()
  await turns(3)
  expect(told).toEqual(['b begins'])
  other.resolve()
  await Promise.all([waiting, working, last])
  expect(told).toEqual(['b begins', 'a goes on', 'c begins'])
})

test('no more work begins than may wait', async () => {
  const lanes = new Lanes({ busy: 1, begun: 2, gapMs: 0 })
  const answer = Promise.withResolvers<void>()
  let begun = 0
  const all = ['a', 'b', 'c'].map((key) =>
    lanes.run(key, async (lane) => {
      begun += 1
      await lane.wait(answer.promise)
    }),
  )
  await turns(3)
  expect(begun).toBe(2)
  answer.resolve()
  await Promise.all(all)
  expect(begun).toBe(3)
})

test('work whose answer fails gives its place back', async () => {
  const lanes = new Lanes({ busy: 1, begun: 1, gapMs: 0 })
  const failing = lanes.run('a', (lane) => lane.wait(Promise.reject(new Error('no answer'))))
  await expect(failing).rejects.toThrow('no answer')
  expect(await lanes.run('b', async () => 'done')).toBe('done')
})
