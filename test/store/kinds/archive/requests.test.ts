import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeSwift, type SwiftPlace } from '../../../support/describe-swift.ts'
import { startFaultProxy } from '../../../support/fault-proxy.ts'
import { given } from '../../../support/given.ts'

const MIB = 1024 * 1024
const SMALL = randomBytes(1000)
const LARGE = randomBytes(30 * MIB)

/** A full backup of 48 MiB in a bucket, and the requests that follow it. */
async function backedUp(place: SwiftPlace) {
  const proxy = await startFaultProxy(place.swift.endpoint)
  const store = { ...(await place.swift.newStore()), endpoint: proxy.endpoint }
  const world = await given.app('shop').proc('web').volume('/data/db').plugins({ store })
  mkdirSync(join(world.volume, 'way/to'), { recursive: true })
  for (let n = 0; n < 9; n++) writeFileSync(join(world.volume, `${n}`), randomBytes(2 * MIB))
  writeFileSync(join(world.volume, 'way/to/small'), SMALL)
  writeFileSync(join(world.volume, 'large'), LARGE)
  const name = (await world.backUp()).result.file ?? ''
  rmSync(join(world.volume, 'way'), { recursive: true })
  rmSync(join(world.volume, 'large'))
  const recover = async (files?: string[]) => {
    proxy.requests.length = 0
    proxy.ranges.length = 0
    const { state, warnings } = await world.recover(name, files ? { files } : {})
    expect({ state, warnings }).toEqual({ state: 'success', warnings: [] })
    return proxy.requests.map((line) => line.replace(/ .*\/([^/?]*)(\?.*)?$/, ' $1'))
  }
  return { ...world, proxy, name, recover }
}

/** The bytes of the archive in all ranges together. */
function countBytes(ranges: readonly string[]): number {
  const bounds = ranges.map((range) => /bytes=(\d+)-(\d+)/.exec(range)?.slice(1).map(Number) ?? [])
  return bounds.reduce((sum, [from = 0, to = 0]) => sum + to + 1 - from, 0)
}

describeSwift('a full backup on a real Swift', (place) => {
  test('gives one file in three requests, and in two if its index was read before', async () => {
    const { recover, name, proxy, volume } = await backedUp(place)
    expect(await recover(['way/to/small'])).toEqual([
      `GET ${name}.manifest.json`,
      `GET ${name}.index.gz`,
      `GET ${name}`,
    ])
    expect(readFileSync(join(volume, 'way/to/small')).equals(SMALL)).toBe(true)
    expect(countBytes(proxy.ranges.slice(-1))).toBeLessThan(1.1 * MIB)
    expect(await recover(['way/to/small'])).toEqual([`GET ${name}.manifest.json`, `GET ${name}`])
  }, 120_000)

  test('gives a large file in parallel ranges, which go on where they were cut', async () => {
    const { recover, name, proxy, volume } = await backedUp(place)
    proxy.fail(/^GET .*\.tar\.gz(\?|$)/, 'cut', 2)
    const asked = await recover(['large'])
    expect(asked.filter((line) => line === `GET ${name}`)).toHaveLength(2 + 4)
    expect(readFileSync(join(volume, 'large')).equals(LARGE)).toBe(true)
    expect(proxy.mostAtOnce).toBeGreaterThan(1)
    const starts = proxy.ranges.map((range) => /bytes=(\d+)/.exec(range)?.[1])
    expect(starts).toHaveLength(new Set(starts).size)
    proxy.assertAllHit()
  }, 120_000)

  test('is recovered whole with a request for each 8 MiB, and two besides', async () => {
    const { recover, name } = await backedUp(place)
    const asked = await recover()
    expect(asked.filter((line) => line === `GET ${name}`)).toHaveLength(7)
    expect(asked).toHaveLength(7 + 2)
  }, 120_000)
})
