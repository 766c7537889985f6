import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Thread } from '../../src/lib/thread.ts'

const ZSTD_THREAD = new URL('../support/zstd-thread.ts', import.meta.url)

// If a thread is terminated instead, Node aborts in one of a few dozen rounds.
test('a thread that creates zstd contexts endlessly is ended, and the process continues', async () => {
  for (let round = 0; round < 100; round++) {
    const thread = new Thread(ZSTD_THREAD, null)
    const exited = once(thread.worker, 'exit')
    thread.worker.postMessage('begin')
    await once(thread.worker, 'message')
    await setTimeout(Math.random() * 5)
    await thread.end()
    expect(await exited).toEqual([0])
  }
})

test('a thread can be ended before it has begun, after it was ended, and after it failed', async () => {
  const young = new Thread(ZSTD_THREAD, null)
  await Promise.all([young.end(), young.end()])
  await young.end()
  const failed = new Thread(new URL('./no-such-file.ts', import.meta.url), null)
  const [error] = await once(failed.worker, 'error')
  expect(error).toMatchObject({ message: expect.stringContaining('Cannot find module') })
  await failed.end()
})
