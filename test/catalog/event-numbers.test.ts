import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type CatalogDb, openCatalogDatabase } from '../../src/catalog/database.ts'
import { type EventNumbers, openEventNumbers } from '../../src/catalog/event-numbers.ts'
import { createWriteQueue, type WriteQueue } from '../../src/catalog/write-queue.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../support/silent-log.ts'
import { tempFolder } from '../support/temp-catalog.ts'

/** Event numbers as a new process opens them; whoever had them before has crashed and closed nothing. */
async function processesOf() {
  const file = join(await tempFolder(), 'catalog.db')
  return async (): Promise<{ writes: WriteQueue; db: CatalogDb; numbers: EventNumbers }> => {
    const db = openCatalogDatabase(file, { log: silentLog, clock: systemClock })
    onTestFinished(() => db.$disconnect())
    const writes = createWriteQueue()
    return { writes, db, numbers: await openEventNumbers(db, writes, silentLog) }
  }
}

test('event numbers that were not stored are not reused after a crash', async () => {
  const start = await processesOf()
  let greatest = 0
  for (let crash = 0; crash < 3; crash++) {
    const { numbers } = await start()
    expect(numbers.last()).toBeGreaterThanOrEqual(greatest)
    for (let n = 0; n < 10; n++) {
      const next = numbers.next()
      expect(next).toBeGreaterThan(greatest)
      greatest = next
    }
  }
})

test('more event numbers than one reservation are not reused after a crash', async () => {
  const start = await processesOf()
  const { writes, numbers } = await start()
  for (let round = 0; round < 30; round++) {
    for (let n = 0; n < 1000; n++) numbers.next()
    await writes.idle()
  }
  const { numbers: after } = await start()
  expect(after.next()).toBeGreaterThan(numbers.last())
})

test('a failed reservation is repeated with a later number', async () => {
  const start = await processesOf()
  const { db } = await start()
  let failures = 1
  const failing = new Proxy(db, {
    get(target, key) {
      if (key !== 'meta') return Reflect.get(target, key)
      const upsert = (args: Parameters<typeof db.meta.upsert>[0]) =>
        failures-- === 0 ? Promise.reject(new Error('the disk is full')) : target.meta.upsert(args)
      return { findUnique: target.meta.findUnique, upsert }
    },
  })
  const writes = createWriteQueue()
  const numbers = await openEventNumbers(failing, writes, silentLog)
  for (let round = 0; round < 30; round++) {
    for (let n = 0; n < 1000; n++) numbers.next()
    await writes.idle()
  }
  expect(failures).toBeLessThan(0)
  const { numbers: after } = await start()
  expect(after.next()).toBeGreaterThan(numbers.last())
})

test('a failed reservation is repeated with the very next number', async () => {
  const start = await processesOf()
  const { db } = await start()
  let isFailing = false
  const failing = new Proxy(db, {
    get(target, key) {
      if (key !== 'meta') return Reflect.get(target, key)
      const upsert = (args: Parameters<typeof db.meta.upsert>[0]) =>
        isFailing ? Promise.reject(new Error('the disk is full')) : target.meta.upsert(args)
      return { findUnique: target.meta.findUnique, upsert }
    },
  })
  const writes = createWriteQueue()
  const numbers = await openEventNumbers(failing, writes, silentLog)
  const give = async (count: number) => {
    for (let n = 0; n < count; n++) numbers.next()
    await writes.idle()
  }
  isFailing = true
  await give(6000)
  isFailing = false
  await give(1)
  // From here on nothing reaches the disk any more.
  isFailing = true
  await give(6000)
  const { numbers: after } = await start()
  expect(after.next()).toBeGreaterThan(numbers.last())
})

test('a closed and reopened catalog continues without a gap', async () => {
  const start = await processesOf()
  const { numbers } = await start()
  const given = numbers.next()
  await numbers.close()
  const { numbers: after } = await start()
  expect(after.next()).toBe(given + 1)
})

test.each([
  ['the mark', 70, 50],
  ['the newest event, whose mark could not be written', 50, 70],
])('numbers go on after %s', async (_what, mark, newest) => {
  const start = await processesOf()
  const { db, numbers } = await start()
  await numbers.close()
  await db.meta.update({ where: { key: 'event numbers given' }, data: { value: String(mark) } })
  await db.recordEvent.create({ data: { seq: newest, rid: 'rid', app: 'shop', at: 0n, json: '{}' } })
  const { numbers: after } = await start()
  expect(after.next()).toBe(71)
})
