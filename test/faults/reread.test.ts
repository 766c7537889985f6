import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { loadKernel } from '../../src/lib/kernel.ts'
import { given } from '../support/given.ts'
import { mapFile } from '../support/mapped-file.ts'
import { canMount, mountTmpfs } from '../support/tmpfs.ts'

const DAY_MS = 86_400_000
const BYTES = 8192

/** Increments of one file, each so many days after now: the file is never too young to be trusted. */
async function incrementWorld() {
  const world = await given.app('shop').proc('web').volume('/data/db').plugins()
  const increment = (days: number, options: object = {}) => {
    const now = Date.now() + days * DAY_MS
    return world.backUp({ mode: 'increment' }, { options, clock: { ...systemClock, now: () => now } })
  }
  return { ...world, increment, file: join(world.volume, 'db') }
}

const canMap = canMount && loadKernel() !== undefined

test.skipIf(!canMap)(
  'a change that no timestamp shows is found by reading every file (needs root and mounts)',
  async () => {
    const { volume, file, increment, recover } = await incrementWorld()
    onTestFinished(mountTmpfs(volume))
    writeFileSync(file, Buffer.alloc(BYTES))
    const mapped = mapFile(file, BYTES)
    mapped.write('first of its page')
    await increment(1)
    mapped.write('unseen')
    expect((await increment(2)).result).toMatchObject({ filesUnchanged: 1, bytesRead: 0 })
    const { warnings, result, state } = await increment(3, { reread: true })
    expect(state).toBe('success')
    expect(warnings).toEqual([
      'db: its content differs from the previous snapshot, although its timestamps do not: its current content is stored',
    ])
    expect(result).toMatchObject({ filesChanged: 1, bytesRead: BYTES })
    mapped.fill(0)
    rmSync(file)
    await recover(result.file ?? '')
    expect(readFileSync(file, 'latin1').slice(0, 6)).toBe('unseen')
  },
)

test('a run that reads every file again stores nothing twice', async () => {
  const { file, increment } = await incrementWorld()
  writeFileSync(file, Buffer.alloc(BYTES, 'content'))
  await increment(1)
  const { warnings, result } = await increment(2, { reread: true })
  expect(warnings).toEqual([])
  expect(result).toMatchObject({ filesUnchanged: 1, filesChanged: 0, bytesRead: BYTES })
  expect((await increment(3)).result).toMatchObject({ filesUnchanged: 1, bytesRead: 0 })
})

test('every file is read once in the given number of days, as the snapshots remember', async () => {
  const { file, increment } = await incrementWorld()
  writeFileSync(file, Buffer.alloc(BYTES, 'content'))
  const weekly = { rereadEveryDays: 7 }
  const bytesRead = []
  for (const day of [1, 2, 7, 8, 9, 14, 15]) bytesRead.push((await increment(day, weekly)).result.bytesRead)
  expect(bytesRead).toEqual([BYTES, 0, 0, BYTES, 0, 0, BYTES])
})

test('a series without such a time is read once, and a time from the future does not count', async () => {
  const { file, increment } = await incrementWorld()
  writeFileSync(file, Buffer.alloc(BYTES, 'content'))
  await increment(60)
  expect((await increment(1, { rereadEveryDays: 7 })).result).toMatchObject({ bytesRead: BYTES })
  expect((await increment(2, { rereadEveryDays: 7 })).result).toMatchObject({ bytesRead: 0 })
})
