import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { acquireLocks, lifeLock } from '../../src/engine/run-locks.ts'
import { ChildRunner } from '../../src/engine/runner.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { newRid } from '../../src/wire/ids.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { MemoryWithoutDisk } from '../support/engine-memory.ts'
import { runSettings } from '../support/run-settings.ts'
import { silentLog } from '../support/silent-log.ts'
import { startEngine } from '../support/start-engine.ts'

/** A memory as a daemon leaves it that was killed while one run ran and one waited. */
async function leftMemory() {
  const memory = new MemoryWithoutDisk()
  const { engine } = await startEngine({ memory, concurrency: 1 })
  const running = await engine.runOnce('test', { forever: true })
  const queued = await engine.runOnce('test', {})
  const left = new MemoryWithoutDisk()
  await left.keep([running, queued])
  return { memory: left, rids: [running.rid, queued.rid] }
}

describe('settling', () => {
  test('ends the records of the previous daemon, and locks the volumes that the action reports', async () => {
    const { memory, rids } = await leftMemory()
    const { engine, settings } = await startEngine({ memory })
    const volume = `${settings.volumeRoot}/locked`
    expect(await engine.settle()).toEqual({
      ended: rids,
      locked: [{ volume, reason: 'its journal is open' }],
    })
    for (const rid of rids) {
      expect(memory.find(rid)).toMatchObject({
        state: 'failed',
        error: { code: 'DAEMON_RESTARTED' },
        end: expect.any(String),
      })
    }
    expect(memory.find(rids[0] ?? '')?.seq).toBe(2)
    await expect(engine.runOnce('test', { volume })).rejects.toMatchObject({ code: 'VOLUME_LOCKED' })
    expect(engine.locked()).toEqual([{ path: volume, reason: 'its journal is open' }])
    expect((await engine.settle()).ended).toEqual([])
  })

  test('waits for a run of the previous daemon that is still ending', async () => {
    const { memory, rids } = await leftMemory()
    const settings = await runSettings()
    const held = await acquireLocks(settings.dataDir, [lifeLock(rids[0] ?? '')])
    const { engine } = await startEngine({ memory, settings })
    const settled = engine.settle()
    const first = await Promise.race([settled.then(() => 'settled'), sleep(200).then(() => 'waiting')])
    expect(first).toBe('waiting')
    expect(memory.unfinished()).toHaveLength(2)
    held.release()
    expect((await settled).ended).toEqual(rids)
  })

  test('locks every volume if it is impossible, and leaves the records unchanged', async () => {
    const { memory } = await leftMemory()
    const childEntry = new URL('../programs/talking-child.ts', import.meta.url) // knows no settle
    const { engine } = await startEngine({
      memory,
      runner: new ChildRunner({ size: 0, clock: systemClock, log: silentLog, childEntry }),
    })
    expect((await engine.settle()).locked).toMatchObject([
      { volume: '/', reason: expect.stringContaining('The action "settle" does not exist') },
    ])
    expect(memory.unfinished()).toHaveLength(2)
    await expect(engine.runOnce('test', { volume: '/v/db' })).rejects.toMatchObject({ code: 'VOLUME_LOCKED' })
  })
})

test('writes the end of a run when it can', async () => {
  const { engine, memory } = await startEngine()
  const { rid } = await engine.runOnce('test', { forever: true })
  await memory.until(({ progress }) => progress !== null)
  memory.broken = new Error('the disk is full')
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const tried = memory.keepTried()
  engine.cancel(rid)
  await tried
  for (let failures = 1; failures <= 3; failures++) {
    const again = memory.keepTried()
    await vi.advanceTimersByTimeAsync(5000)
    await again
    // It is not forgotten: until its end is on disk, only the engine knows it.
    expect(memory.find(rid)?.state).toBe('running')
    expect(engine.record(rid)?.state).toBe('cancelled')
  }
  memory.broken = undefined
  await vi.advanceTimersByTimeAsync(5000)
  expect(await memory.ended(rid)).toMatchObject({ state: 'cancelled' })
})

describe('a daemon that is killed', () => {
  /** Another process with an engine that runs one run forever; its record and the process that runs it. */
  async function startParent(): Promise<{
    parent: ChildProcess
    record: RunRecord
    pid: number
    dataDir: string
  }> {
    const settings = await runSettings()
    const parent = fork(
      new URL('../programs/engine-parent.ts', import.meta.url),
      [JSON.stringify(settings)],
      {
        execArgv: [],
      },
    )
    onTestFinished(() => void parent.kill('SIGKILL'))
    const [record] = (await once(parent, 'message')) as [RunRecord]
    const pid = Number(readFileSync(join(settings.dataDir, 'locks', lifeLock(record.rid)), 'utf8'))
    return { parent, record, pid, dataDir: settings.dataDir }
  }

  test('ends its child, and the lock is free', async () => {
    const { parent, record, dataDir } = await startParent()
    const locks = [lifeLock(record.rid)]
    await expect(acquireLocks(dataDir, locks)).rejects.toMatchObject({ code: 'CONFLICT' })
    parent.kill('SIGKILL')
    const held = await acquireLocks(dataDir, locks, { wait: { ms: 10_000, clock: systemClock } })
    held.release()
  })

  test('by Ctrl-C, which its child gets too, ends the run itself', async () => {
    const { record, pid, dataDir } = await startParent()
    process.kill(pid, 'SIGINT')
    process.kill(pid, 'SIGTERM')
    const taken = acquireLocks(dataDir, [lifeLock(record.rid)], { wait: { ms: 200, clock: systemClock } })
    await expect(taken).rejects.toMatchObject({ code: 'CONFLICT', facts: { pid } })
  })
})

describe('lock files', () => {
  test.each([
    ['flock', {}],
    ['files that name their process', { kernel: undefined }],
  ])('%s', async (_name, how) => {
    const { dataDir } = await runSettings()
    const first = await acquireLocks(dataDir, ['b', 'a'], how)
    const refused = acquireLocks(dataDir, ['c', 'b'], how)
    await expect(refused).rejects.toMatchObject({ code: 'CONFLICT', facts: { lock: 'b', pid: process.pid } })
    first.release()
    const second = await acquireLocks(dataDir, ['a', 'b', 'c'], how)
    second.release()
  })

  test('of a dead process, or of a reused process number, are taken over', async () => {
    const { dataDir } = await runSettings()
    mkdirSync(join(dataDir, 'locks'))
    for (const content of [`${2 ** 22 - 1} 17\n`, `${process.pid} 1\n`, '']) {
      writeFileSync(join(dataDir, 'locks', 'a'), content)
      const held = await acquireLocks(dataDir, ['a'], { kernel: undefined })
      held.release()
    }
    expect(existsSync(join(dataDir, 'locks', 'a'))).toBe(false)
  })

  test('can be waited for until cancelled', async () => {
    const { dataDir } = await runSettings()
    const held = await acquireLocks(dataDir, [lifeLock(newRid(Date.now()))])
    const aborting = new AbortController()
    const [name = ''] = readdirSync(join(dataDir, 'locks'))
    const waiting = acquireLocks(dataDir, [name], {
      wait: { ms: 60_000, clock: systemClock },
      signal: aborting.signal,
    })
    aborting.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow()
    held.release()
  })
})
