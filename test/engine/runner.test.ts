import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { RunnerEvents, RunTask } from '../../src/engine/ports.ts'
import { lifeLock, volumeLock } from '../../src/engine/run-locks.ts'
import { ChildRunner, type RunnerOptions } from '../../src/engine/runner.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { BackupdError } from '../../src/lib/errors.ts'
import { newRid } from '../../src/wire/ids.ts'
import { handClock } from '../support/hand-clock.ts'
import { runSettings } from '../support/run-settings.ts'
import { silentLog } from '../support/silent-log.ts'

function startRunner(options: Partial<RunnerOptions> = {}) {
  const runner = new ChildRunner({ size: 1, clock: systemClock, log: silentLog, ...options })
  onTestFinished(() => runner.close(0))
  return runner
}

async function makeTask(args: Record<string, unknown>, change: Partial<RunTask> = {}): Promise<RunTask> {
  const rid = newRid(Date.now())
  const signal = new AbortController().signal
  return {
    rid,
    jobId: '',
    action: 'test',
    args,
    settings: await runSettings(),
    signal,
    locks: [lifeLock(rid)],
    ...change,
  }
}

function listener() {
  const heard: { progress: object[]; warnings: number } = { progress: [], warnings: 0 }
  const first = Promise.withResolvers<void>()
  const on: RunnerEvents = {
    progress: (change) => {
      heard.progress.push(change)
      first.resolve()
    },
    warn: (_message, count = 1) => {
      heard.warnings += count
    },
    log: () => {},
    announce: async () => {},
  }
  return { on, heard, begun: first.promise }
}

describe('a run in a child process', () => {
  test('reports progress and ends with its result', async () => {
    const { on, heard } = listener()
    const end = await startRunner().run(await makeTask({ steps: 3 }), on)
    expect(end).toEqual({ state: 'success', reason: '', result: { steps: 3 } })
    const all = Object.assign({}, ...heard.progress)
    expect(all).toEqual({
      phase: 'test',
      bytesTotal: 3072,
      filesTotal: 3,
      bytesDone: 3072,
      filesDone: 3,
      currentPath: 'step-3',
    })
  })

  test('sends a hundred thousand steps and warnings in few messages, all counted', async () => {
    const { on, heard } = listener()
    const end = await startRunner().run(await makeTask({ steps: 100_000, warnings: 100_000 }), on)
    expect(end.state).toBe('partial')
    expect(heard.warnings).toBe(100_000)
    expect(heard.progress.length).toBeLessThan(500)
  })

  test('fails with code, message and facts', async () => {
    const end = await startRunner().run(await makeTask({ steps: 3, failAt: 2 }), listener().on)
    const message = 'Step 2 failed as requested'
    expect(end).toEqual({
      state: 'failed',
      reason: message,
      error: { code: 'INTERNAL', message, facts: { step: 2 } },
    })
  })

  test('fails for bad args and an unknown action, and the child continues', async () => {
    const runner = startRunner()
    expect(await runner.run(await makeTask({ steps: 'x' }), listener().on)).toMatchObject({
      state: 'failed',
      error: { code: 'BAD_INPUT' },
    })
    expect(await runner.run(await makeTask({}, { action: 'nope' }), listener().on)).toMatchObject({
      error: { code: 'BAD_INPUT' },
    })
    expect(await runner.run(await makeTask({}), listener().on)).toMatchObject({ state: 'success' })
  })
})

describe('ending a run', () => {
  test('by an abort gives the reason of the abort', async () => {
    const runner = startRunner()
    for (const [code, state] of [
      ['CANCELLED', 'cancelled'],
      ['TIMED_OUT', 'failed'],
    ] as const) {
      const aborting = new AbortController()
      const { on, begun } = listener()
      const end = runner.run(await makeTask({ forever: true }, { signal: aborting.signal }), on)
      await begun
      aborting.abort(new BackupdError(code, 'enough'))
      expect(await end).toMatchObject({ state, reason: 'enough', error: { code } })
    }
  })

  test('by an abort after its end does not end the next one in its child', async () => {
    const runner = startRunner()
    const [first, second] = [new AbortController(), new AbortController()]
    await runner.run(await makeTask({}, { signal: first.signal }), listener().on)
    const { on, begun } = listener()
    const end = runner.run(await makeTask({ forever: true }, { signal: second.signal }), on)
    await begun
    first.abort(new BackupdError('TIMED_OUT', 'late'))
    second.abort(new BackupdError('CANCELLED', 'enough'))
    expect(await end).toMatchObject({ state: 'cancelled', reason: 'enough' })
  })

  test('before its child has it gives the reason of the abort', async () => {
    const signal = AbortSignal.abort(new BackupdError('CANCELLED', 'enough'))
    const end = await startRunner().run(await makeTask({ forever: true }, { signal }), listener().on)
    expect(end).toMatchObject({ state: 'cancelled', reason: 'enough', error: { code: 'CANCELLED' } })
  })

  test.each([
    ['its reason at the bottom of the error', {}, { state: 'cancelled', error: { code: 'CANCELLED' } }],
    [
      'an error of its own, which is told',
      { own: true },
      { state: 'failed', error: { code: 'STORE_UNAVAILABLE' } },
    ],
  ])('by an abort may fail with %s', async (_name, args, wanted) => {
    const runner = startRunner({ childEntry: new URL('../programs/engine-child.ts', import.meta.url) })
    const aborting = new AbortController()
    const { on, begun } = listener()
    const end = runner.run(await makeTask(args, { action: 'wrapping', signal: aborting.signal }), on)
    await begun
    aborting.abort(new BackupdError('CANCELLED', 'enough'))
    expect(await end).toMatchObject(wanted)
  })

  test('that does not listen kills the child, and the next run gets a new one', async () => {
    const runner = startRunner()
    const aborting = new AbortController()
    const { on, begun } = listener()
    const end = runner.run(
      await makeTask({ forever: true, deaf: true }, { signal: aborting.signal, killAfterMs: 10 }),
      on,
    )
    await begun
    aborting.abort(new BackupdError('CANCELLED', 'enough'))
    expect(await end).toMatchObject({ state: 'cancelled', error: { code: 'CANCELLED' } })
    expect(await runner.run(await makeTask({}), listener().on)).toMatchObject({ state: 'success' })
  })

  test('that does not listen has ten seconds to end on its own', async () => {
    const clock = handClock()
    const runner = startRunner({ clock })
    const aborting = new AbortController()
    const { on, begun } = listener()
    let isKilled = false
    const killed = () => {
      isKilled = true
    }
    const task = await makeTask({ forever: true, deaf: true }, { signal: aborting.signal })
    const end = runner.run(task, { ...on, killed })
    await begun
    aborting.abort(new BackupdError('CANCELLED', 'enough'))
    clock.move(9_999)
    expect(isKilled).toBe(false)
    clock.move(1)
    expect(isKilled).toBe(true)
    expect(await end).toMatchObject({ state: 'cancelled', error: { code: 'CANCELLED' } })
  })

  test('by the death of its child fails the run, and the next one works', async () => {
    const runner = startRunner()
    const end = await runner.run(await makeTask({ die: true }), listener().on)
    expect(end).toMatchObject({
      state: 'failed',
      error: { code: 'RUNNER_DIED', facts: { signal: 'SIGKILL', exitCode: null } },
    })
    expect(end.reason).toContain('was killed by SIGKILL')
    expect(await runner.run(await makeTask({}), listener().on)).toMatchObject({ state: 'success' })
  })

  test('by the death of an idle child fails no run', async () => {
    const runner = startRunner()
    await runner.run(await makeTask({}), listener().on)
    const children = () => readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ')
    const idle = children().filter((pid) => Number(pid) > 0)
    expect(idle.length).toBeGreaterThan(0)
    for (const pid of idle) process.kill(Number(pid), 'SIGKILL')
    await expect.poll(() => children().filter((pid) => idle.includes(pid))).toEqual([])
    expect(await runner.run(await makeTask({}), listener().on)).toMatchObject({ state: 'success' })
  })

  test('whose child cannot start fails the run', async () => {
    const runner = startRunner({ childEntry: new URL('file:///there/is/no/such/child.js') })
    expect(await runner.run(await makeTask({}), listener().on)).toMatchObject({
      state: 'failed',
      error: { code: 'RUNNER_DIED', facts: { exitCode: 1 } },
    })
  })

  test('a closed runner accepts no more runs', async () => {
    const runner = startRunner()
    const { on, begun } = listener()
    const end = runner.run(await makeTask({ forever: true }), on)
    await begun
    await runner.close(0)
    expect(await end).toMatchObject({ state: 'failed', error: { code: 'RUNNER_DIED' } })
    expect(await runner.run(await makeTask({}), listener().on)).toMatchObject({
      state: 'failed',
      error: { code: 'DAEMON_RESTARTED' },
    })
  })
})

describe('locks of a run', () => {
  test('are held while it runs and released when it ends', async () => {
    const runner = startRunner()
    const aborting = new AbortController()
    const settings = await runSettings()
    const locks = [volumeLock('/data/db')]
    const { on, begun } = listener()
    const first = runner.run(
      await makeTask({ forever: true }, { signal: aborting.signal, settings, locks }),
      on,
    )
    await begun
    const { on: onSecond, heard } = listener()
    const second = await runner.run(await makeTask({ warnings: 1 }, { settings, locks }), onSecond)
    expect(second).toMatchObject({
      state: 'failed',
      error: { code: 'CONFLICT', facts: { lock: locks[0], pid: expect.any(Number) } },
    })
    // It has not begun: the lock comes before anything else.
    expect(heard).toEqual({ progress: [], warnings: 0 })
    aborting.abort(new BackupdError('CANCELLED', 'enough'))
    await first
    expect(await runner.run(await makeTask({}, { settings, locks }), listener().on)).toMatchObject({
      state: 'success',
    })
  })

  test('a life lock leaves no file behind', async () => {
    const task = await makeTask({})
    await startRunner().run(task, listener().on)
    expect(existsSync(join(task.settings.dataDir, 'locks'))).toBe(true)
    expect(readdirSync(join(task.settings.dataDir, 'locks'))).toEqual([])
  })
})

test.each([
  ['kept warm', {}, 1],
  ['replaced after enough runs', { maxRuns: 2 }, 2],
  ['replaced after each run', { maxRuns: 1 }, 4],
  ['replaced when it holds much memory', { maxRssBytes: 1 }, 4],
])('a child is %s', async (_name, options, children) => {
  const pids = new Set<unknown>()
  const log = { ...silentLog, info: (facts: object) => void pids.add((facts as { pid?: number }).pid) }
  const childEntry = new URL('../programs/talking-child.ts', import.meta.url)
  const runner = startRunner({ ...options, log, childEntry, size: 0 })
  for (let n = 0; n < 4; n++) await runner.run(await makeTask({}), listener().on)
  await runner.close(1000)
  expect(pids.size).toBe(children)
})
