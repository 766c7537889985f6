import { expect, test } from 'vitest'
import { toFileError } from '../../src/catalog/file-error.ts'
import { createWriteQueue } from '../../src/catalog/write-queue.ts'

const sqliteFull = Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' })
const full = () => toFileError(sqliteFull, 'catalog.db') ?? sqliteFull

test('work runs one at a time, in order, also after work that failed', async () => {
  const { run, idle } = createWriteQueue()
  const steps: string[] = []
  const work = (name: string) => async () => {
    steps.push(`${name} begins`)
    await new Promise(setImmediate)
    steps.push(`${name} ends`)
    if (name === 'b') throw new Error('b failed')
    return name
  }
  const all = ['a', 'b', 'c'].map((name) => run(work(name)))
  const ended = Promise.allSettled(all)
  await idle()
  expect(steps).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]))
  expect((await ended).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})

test('what work changed is told before its caller goes on; after a failure, anything may have changed', async () => {
  const told: unknown[] = []
  const { run } = createWriteQueue({ afterEach: (change) => void told.push(change) })
  const change = { apps: new Set(['hello']) }
  const changeOf = () => change as never
  await run(async () => 1, changeOf)
  expect(told).toEqual([change])
  await run(async () => 2)
  expect(told).toEqual([change, undefined])
  const failing = run(() => Promise.reject(new Error('no')), changeOf)
  await failing.catch(() => expect(told).toEqual([change, undefined, undefined]))
  expect(told).toHaveLength(3)
})

test('work that finds the disk full runs once more when room was made; other failures are passed on', async () => {
  let asked = 0
  const { run } = createWriteQueue({ onDiskFull: () => void asked++ })
  let tries = 0
  const fillsOnce = async () => {
    if (tries++ === 0) throw full()
    return 'stored'
  }
  expect(await run(fillsOnce)).toBe('stored')
  expect([asked, tries]).toEqual([1, 2])
  await expect(run(() => Promise.reject(full()))).rejects.toMatchObject({ code: 'CATALOG_UNUSABLE' })
  expect(asked).toBe(2)
  await expect(run(() => Promise.reject(new Error('another')))).rejects.toThrow('another')
  expect(asked).toBe(2)
})

test('a stopped queue refuses what has not begun', async () => {
  const { run, stop } = createWriteQueue()
  const begun = Promise.withResolvers<void>()
  const first = run(() => begun.promise.then(() => 'done'))
  await new Promise(setImmediate)
  let hasRun = false
  const second = run(async () => {
    hasRun = true
  })
  stop(new Error('closed'))
  begun.resolve()
  expect(await first).toBe('done')
  await expect(second).rejects.toThrow('closed')
  expect(hasRun).toBe(false)
})
