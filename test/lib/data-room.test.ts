import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { DataRoom, MIN_FREE_BYTES } from '../../src/lib/data-room.ts'
import { Problems } from '../../src/lib/problems.ts'
import { FULL_DISK_TEXTS } from '../../src/wire/health-texts.ts'
import { keptLog } from '../support/daemon-kit.ts'
import { itMounts, smallFileSystem } from '../support/small-file-system.ts'
import { tempDir } from '../support/temp-dir.ts'

const MIB = 1024 * 1024
const RESERVE = 8 * MIB

afterEach(() => {
  vi.useRealTimers()
})

async function roomIn(dir: string) {
  const log = keptLog()
  const problems = new Problems(systemClock)
  const room = await DataRoom.open({ dir, clock: systemClock, log, problems, texts: FULL_DISK_TEXTS })
  onTestFinished(() => room.close())
  const said = (level: string) => log.lines.filter((line) => line.level === level).length
  return { room, problems, said }
}

/** Leaves about `bytes` of a file system that has `size` bytes. */
function leave(dir: string, size: number, bytes: number): void {
  writeFileSync(join(dir, 'fill'), Buffer.alloc(size - bytes))
}

test('a failed write counts for a minute, whatever room the file system reports', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] })
  const { room, problems, said } = await roomIn(tempDir())
  expect(room.isFull).toBe(false)
  room.reportFull()
  expect(problems.list()).toMatchObject([{ source: 'disk', isFatal: true }])
  vi.advanceTimersByTime(59_999)
  await room.check()
  expect(room.isFull).toBe(true)
  vi.advanceTimersByTime(1)
  await room.check()
  expect(room.isFull).toBe(false)
  expect([said('error'), said('info')]).toEqual([1, 1])
})

itMounts('a failed write that the free room explains does not count once there is room', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] })
  const size = MIN_FREE_BYTES + 32 * MIB
  const { dir } = smallFileSystem(size / 1024)
  const { room } = await roomIn(dir)
  const fill = (bytes: number) => {
    leave(dir, size, bytes)
    return room.check()
  }
  for (const isReportedFirst of [true, false]) {
    if (isReportedFirst) room.reportFull()
    await fill(RESERVE + 4 * MIB)
    room.reportFull()
    expect(room.isFull).toBe(true)
    await fill(size - 2 * MIB)
    expect(room.isFull).toBe(false)
  }
})

test('a full disk is logged once, and again after ten minutes; a second time at once', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] })
  const { room, said } = await roomIn(tempDir())
  for (let n = 0; n < 3; n++) room.reportFull()
  expect(said('error')).toBe(1)
  vi.advanceTimersByTime(10 * 60_000)
  room.reportFull()
  expect(said('error')).toBe(2)
  vi.advanceTimersByTime(60_000)
  await room.check()
  expect(room.isFull).toBe(false)
  room.reportFull()
  expect(said('error')).toBe(3)
})

test('a data directory whose room cannot be read is a warning, and does not stop the program', async () => {
  const dir = tempDir()
  const { room, said } = await roomIn(dir)
  rmSync(dir, { recursive: true })
  await room.check()
  expect(room.isFull).toBe(false)
  expect(said('warn')).toBe(1)
  mkdirSync(dir)
})

test('with plenty of room there is no reserve', async () => {
  const dir = tempDir()
  await roomIn(dir)
  expect(readdirSync(dir)).toEqual([])
})

itMounts('a reserve is kept, and given back at once when a write fails', async () => {
  const size = MIN_FREE_BYTES + 32 * MIB
  const { dir } = smallFileSystem(size / 1024)
  const { room } = await roomIn(dir)
  const { size: reserved, blocks } = statSync(join(dir, 'reserve'))
  expect([reserved, blocks * 512]).toEqual([RESERVE, RESERVE])
  room.reportFull()
  expect(existsSync(join(dir, 'reserve'))).toBe(false)
})

itMounts('the reserve counts as free, after a start too, and goes when nothing else is left', async () => {
  const size = MIN_FREE_BYTES + 16 * MIB
  const { dir } = smallFileSystem(size / 1024)
  const { room: first } = await roomIn(dir)
  await first.close()
  leave(dir, size, MIN_FREE_BYTES + 2 * MIB)
  const { room } = await roomIn(dir)
  expect(room.isFull).toBe(false)
  leave(dir, size, MIN_FREE_BYTES - 2 * MIB)
  await room.check()
  expect(room.isFull).toBe(true)
  expect(readdirSync(dir)).toContain('reserve')
  leave(dir, size, RESERVE + MIB / 2)
  await room.check()
  expect(readdirSync(dir)).not.toContain('reserve')
  await room.check()
  expect(readdirSync(dir)).not.toContain('reserve')
})

itMounts('a reserve that cannot be made leaves no part of itself', async () => {
  const { dir } = smallFileSystem((MIN_FREE_BYTES + 32 * MIB) / 1024)
  const { room } = await roomIn(dir)
  room.reportFull()
  mkdirSync(join(dir, 'reserve/taken'), { recursive: true })
  await room.check()
  expect(readdirSync(dir)).toEqual(['reserve'])
})
