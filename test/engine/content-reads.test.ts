import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ContentReads } from '../../src/engine/content-reads.ts'
import type { RunEnd, Runner, RunnerEvents, RunTask } from '../../src/engine/ports.ts'
import { toFailure } from '../../src/engine/run-end.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { BackupdError } from '../../src/lib/errors.ts'
import { runSettings } from '../support/run-settings.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const PIECE = Buffer.alloc(256 << 10, 'x')
const DONE: RunEnd = { state: 'success', reason: '', result: null }
const NEVER = new AbortController().signal

type Work = (output: NonNullable<RunnerEvents['output']>, task: RunTask) => Promise<RunEnd>

async function readsWith(work: Work) {
  const tasks: RunTask[] = []
  const runner: Runner = {
    run(task, on) {
      tasks.push(task)
      if (!on.output) throw new Error('nobody takes the content')
      return work(on.output, task)
    },
    close: async () => {},
  }
  const reads = new ContentReads({ clock: systemClock, runner, settings: await runSettings(), onLog() {} })
  return { reads, tasks, read: () => reads.read('backup_read', {}, NEVER) }
}

/** Writes pieces for ever, and ends when it is aborted. */
const endless: Work = async (output, { signal }) => {
  output.begin({ size: 1 << 50, span: { from: 0, end: 1 << 50 }, isPart: false })
  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  while (!signal.aborted) await Promise.race([output.write(PIECE), aborted])
  return toFailure(signal.reason)
}

test('the process waits until its pieces are taken', async () => {
  let written = 0
  const { read } = await readsWith(async (output) => {
    output.begin({ size: 8 * PIECE.length, span: { from: 0, end: 8 * PIECE.length }, isPart: false })
    for (; written < 8; written++) await output.write(PIECE)
    return DONE
  })
  const { content } = await read()
  await vi.advanceTimersByTimeAsync(1000)
  expect(written).toBeLessThan(2)
  expect((await buffer(content)).length).toBe(8 * PIECE.length)
})

test('a reader that takes nothing for a minute is let go, and frees its process', async () => {
  const { read, tasks } = await readsWith(endless)
  const { content } = await read()
  const failed = new Promise((resolve) => content.once('error', resolve))
  await vi.advanceTimersByTimeAsync(60_000)
  expect(await failed).toMatchObject({ code: 'TIMED_OUT' })
  expect(tasks[0]?.signal.aborted).toBe(true)
})

test('the first piece may take longer, because an archive without an index is read from its start for it', async () => {
  const { read } = await readsWith(async (output) => {
    output.begin({ size: PIECE.length, span: { from: 0, end: PIECE.length }, isPart: false })
    await new Promise((resolve) => setTimeout(resolve, 100_000))
    await output.write(PIECE)
    return DONE
  })
  const { content } = await read()
  const all = buffer(content)
  await vi.advanceTimersByTimeAsync(100_000)
  expect(await all).toHaveLength(PIECE.length)
})

test('four files are read at a time, and one that ends makes room for the next', async () => {
  const { read } = await readsWith(endless)
  const open = [await read(), await read(), await read(), await read()]
  await expect(read()).rejects.toMatchObject({ code: 'OVERLOADED' })
  open[2]?.content.destroy()
  await vi.advanceTimersByTimeAsync(0)
  await read()
})

test('a file that is not found, a process that does not start and a daemon that stops are errors at once', async () => {
  const missing = new BackupdError('NOT_FOUND', 'gone')
  await expect((await readsWith(async () => toFailure(missing))).read()).rejects.toMatchObject({
    code: 'NOT_FOUND',
  })
  const unstarted = await readsWith(async () => {
    throw new Error('no process')
  })
  for (let n = 0; n < 6; n++) await expect(unstarted.read()).rejects.toThrow('no process')
  const { read, reads } = await readsWith(endless)
  const { content } = await read()
  const failed = new Promise((resolve) => content.once('error', resolve))
  reads.close()
  expect(await failed).toMatchObject({ code: 'DAEMON_RESTARTED' })
})
