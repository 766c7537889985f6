import { expect, test } from 'vitest'
import { RunLog } from '../../src/engine/run-log.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { NewLogLine } from '../../src/wire/run-log.ts'
import { MemoryWithoutDisk } from '../support/engine-memory.ts'
import { heldEngine } from '../support/held-engine.ts'
import { startEngine } from '../support/start-engine.ts'

/** `<level> <text>` of each line of a run. */
const logOf = ({ logs }: MemoryWithoutDisk, rid: string) =>
  logs.filter((line) => line.startsWith(rid)).map((line) => line.slice(rid.length + 1))

test('the log of a run has its begin, its warnings and its end', async () => {
  const { engine, memory } = await startEngine()
  const { rid } = await engine.runOnce('test', { warnings: 2 })
  await memory.ended(rid)
  expect(logOf(memory, rid)).toEqual([
    'info running',
    'warn warning 1 of 2',
    'warn warning 2 of 2',
    'warn partial: 2 warnings were requested',
  ])
})

test('the log of a failed run ends with the reason', async () => {
  const { engine, memory } = await startEngine()
  const { rid } = await engine.runOnce('test', { failAt: 1 })
  await memory.ended(rid)
  expect(logOf(memory, rid)).toEqual(['info running', 'error failed: Step 1 failed as requested'])
})

test('a run that leaves no record leaves no log, and one that announces itself has all of it', async () => {
  const { engine, memory } = await startEngine()
  const job = { id: 'quiet', spec: '* * * * * *', action: 'quiet', type: 'cron', sleep: false } as const
  engine.setJobs([{ ...job, args: { announce: true, fail: true } }], 'v1')
  engine.start()
  const { rid } = await memory.until(({ action, state }) => action === 'quiet' && state === 'failed')
  expect(logOf(memory, rid)).toEqual([
    'info running',
    'error the run failed unexpectedly',
    expect.stringMatching(/^error failed: .*it went wrong/),
  ])
  expect(new Set(memory.logs.map((line) => line.split(' ')[0]))).toEqual(
    new Set(memory.all().map((record) => record.rid)),
  )
})

test('the log of a run that the kill of the daemon interrupted says so', async () => {
  const memory = new MemoryWithoutDisk()
  const { engine } = await heldEngine({ memory })
  const { rid } = await engine.runOnce('test', {})
  const left = new MemoryWithoutDisk()
  await left.keep(memory.unfinished())
  await (await startEngine({ memory: left })).engine.settle()
  expect(logOf(left, rid)).toEqual(['error failed: The daemon stopped while this ran: run it again'])
})

test('what a program wrote becomes lines of bounded number and length, without control characters', () => {
  const kept: NewLogLine[] = []
  const log = new RunLog({ clock: systemClock, isSilent: () => false, keep: (lines) => kept.push(...lines) })
  const stdout = `${'x\n'.repeat(10_000)}one\u001b[2J\n\n  \n${'y'.repeat(5000)}`
  log.add('info', 'it succeeded', { stdout, stderr: 'oops', exitCode: 0 })
  const texts = kept.map(({ text }) => text)
  expect(texts).toHaveLength(1 + 500 + 1)
  expect(texts[0]).toBe('it succeeded')
  expect(texts.slice(-3)).toEqual(['stdout: one\\x1b[2J', `stdout: ${'y'.repeat(991)}…`, 'stderr: oops'])
})

test('what is logged and is a warning too stands there once', () => {
  const kept: NewLogLine[] = []
  const log = new RunLog({ clock: systemClock, isSilent: () => false, keep: (lines) => kept.push(...lines) })
  log.add('warn', 'it failed', { stderr: 'no room' })
  log.warn('it failed', 1)
  log.warn('something else', 1)
  expect(kept.map(({ text }) => text)).toEqual(['it failed', 'stderr: no room', 'something else'])
})

test('while a run has no record, its last 100 lines are held', () => {
  const kept: NewLogLine[] = []
  let isSilent = true
  const log = new RunLog({
    clock: systemClock,
    isSilent: () => isSilent,
    keep: (lines) => kept.push(...lines),
  })
  for (let n = 1; n <= 250; n++) log.warn(`warning ${n}`, 1)
  log.warn('the last', 5)
  expect(kept).toEqual([])
  isSilent = false
  log.flush()
  log.flush()
  expect(kept).toHaveLength(100)
  expect(kept.at(-1)?.text).toBe('the last (and 4 others before it)')
})
