import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { systemClock } from '../../../../src/lib/clock.ts'
import { release } from '../../../../src/lib/release.ts'
import type { Driver, ObjectReader } from '../../../../src/objects/driver.ts'
import { openDriver } from '../../../../src/objects/drivers/open-driver.ts'
import { createSmall } from '../../../../src/objects/small-objects.ts'
import { describeSwift } from '../../../support/describe-swift.ts'
import { type FaultProxy, startFaultProxy } from '../../../support/fault-proxy.ts'
import { tempDir } from '../../../support/temp-dir.ts'

const MIB = 1024 * 1024
const CONTENT = randomBytes(30 * MIB + 321)

describeSwift('reading an object on a real Swift', (place) => {
  async function openObject(
    name: string,
  ): Promise<{ reader: ObjectReader; proxy: FaultProxy; driver: Driver }> {
    const opener = { dataDir: tempDir(), clock: systemClock }
    await createSmall(openDriver(place.settings, opener), name, CONTENT)
    const proxy = await startFaultProxy(place.swift.endpoint)
    const driver = openDriver({ ...place.settings, endpoint: proxy.endpoint }, opener)
    return { reader: await driver.open(name), proxy, driver }
  }

  test('goes on where it was cut, and fetches nothing twice', async () => {
    const { reader, proxy } = await openObject('ns/cut')
    await using _closed = reader
    proxy.fail(/^GET .*cut/, 'cut', 3)
    expect((await reader.read(5, 20 * MIB)).equals(CONTENT.subarray(5, 5 + 20 * MIB))).toBe(true)
    const starts = proxy.ranges.map((range) => Number(/bytes=(\d+)-/.exec(range)?.[1]))
    expect(starts).toHaveLength(4)
    expect(starts[0]).toBe(5)
    expect(starts.toSorted((a, b) => a - b)).toEqual([...new Set(starts)])
    for (const range of proxy.ranges) expect(range).toMatch(new RegExp(`-${20 * MIB + 4}$`))
    proxy.assertAllHit()
  })

  test('from its start to its end takes few requests, several at a time', async () => {
    const { reader, proxy } = await openObject('ns/long')
    await using _closed = reader
    proxy.fail(/^GET .*long/, 'cut', 2)
    const pieces: Buffer[] = []
    for (let at = 0; at < reader.size; at += MIB) pieces.push(await reader.read(at, MIB))
    expect(Buffer.concat(pieces).equals(CONTENT)).toBe(true)
    expect(proxy.mostAtOnce).toBeGreaterThan(1)
    expect(proxy.ranges.length).toBeLessThan(14)
    proxy.assertAllHit()
  })

  test('in any order and at once gives each reader its own bytes', async () => {
    const { reader } = await openObject('ns/random')
    await using _closed = reader
    const places = Array.from({ length: 40 }, (_, n) => ({
      at: (n * 7_654_321) % CONTENT.length,
      length: 1 + ((n * 123_457) % MIB),
    }))
    const check = async ({ at, length }: { at: number; length: number }) => {
      const bytes = await reader.read(at, length)
      expect(bytes.equals(CONTENT.subarray(at, at + length))).toBe(true)
      bytes.fill(0)
    }
    for (let n = 0; n < places.length; n += 8) await Promise.all(places.slice(n, n + 8).map(check))
    for (const each of places.slice(0, 8)) await check(each)
  })

  test('that is freed by one reader stays whole for the others that read it at the same time', async () => {
    const { reader } = await openObject('ns/freed')
    await using _closed = reader
    const check = async (at: number, length: number) => {
      const bytes = await reader.read(at, length)
      expect(bytes.equals(CONTENT.subarray(at, at + length))).toBe(true)
      release(bytes)
    }
    await Promise.all([check(0, MIB), check(0, MIB), check(1000, MIB - 1000), check(5, 100_000)])
    await check(0, MIB)
  })

  test('says that the object was replaced meanwhile', async () => {
    const { reader, driver } = await openObject('ns/replaced')
    await using _closed = reader
    await driver.replace('ns/replaced', Buffer.alloc(MIB))
    await expect(reader.read(0, 10)).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  test('of unknown size takes one request for each read, none to open it, and ends where the object ends', async () => {
    const { driver, proxy } = await openObject('ns/unknown')
    const before = proxy.requests.length
    await using reader = await driver.open('ns/unknown', { spans: [] })
    expect(proxy.requests.length).toBe(before)
    proxy.fail(/^GET .*unknown/, 'cut', 2)
    expect((await reader.read(7, 9 * MIB)).equals(CONTENT.subarray(7, 7 + 9 * MIB))).toBe(true)
    const starts = proxy.ranges.map((range) => Number(/bytes=(\d+)-/.exec(range)?.[1]))
    expect(starts).toEqual([...new Set(starts)])
    expect(starts).toHaveLength(3)
    expect((await reader.read(MIB, MIB)).equals(CONTENT.subarray(MIB, 2 * MIB))).toBe(true)
    expect((await reader.read(30 * MIB, MIB)).equals(CONTENT.subarray(30 * MIB))).toBe(true)
    expect(await reader.read(31 * MIB, MIB)).toHaveLength(0)
    expect(proxy.ranges).toHaveLength(5)
    proxy.assertAllHit()
  })

  test.each([0, 31 * MIB])(
    'of unknown size that begins at its byte %i ends there, or is missing',
    async (at) => {
      const { driver } = await openObject(`ns/beyond-${at}`)
      await using reader = await driver.open(`ns/beyond-${at}`, { spans: [] })
      expect(await reader.read(at, 10)).toHaveLength(at === 0 ? 10 : 0)
      await using missing = await driver.open('ns/none', { spans: [] })
      await expect(missing.read(at, 10)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    },
  )

  test('takes one request for a small object, and refuses a large one', async () => {
    const { driver, proxy } = await openObject('ns/large')
    await driver.replace('ns/small', Buffer.from('content'))
    const before = proxy.requests.length
    expect(`${await driver.readWhole?.('ns/small', 100)}`).toBe('content')
    expect(await driver.readWhole?.('ns/missing', 100)).toBeUndefined()
    expect(proxy.requests.length).toBe(before + 2)
    await expect(driver.readWhole?.('ns/large', MIB)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })
})
