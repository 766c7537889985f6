import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeSwift, type SwiftPlace } from '../support/describe-swift.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { given } from '../support/given.ts'
import { SERVER } from '../support/plugin-args.ts'
import { s3Client } from '../support/swift.ts'

const LARGE = randomBytes(20_000_000)
const MODES = ['full', 'increment'] as const
const FIRST_DATA = /^PUT .*partNumber=1/
const TIMEOUT_MS = 300_000

/** A volume with a file of several parts and some small ones, and a network to its store that fails as ordered. */
async function stormyWorld(place: SwiftPlace) {
  const proxy = await startFaultProxy(place.swift.endpoint)
  const store = { ...(await place.swift.newStore()), endpoint: proxy.endpoint }
  const world = await given.app('shop').proc('web').volume('/data/db').plugins({ store })
  const { volume } = world
  mkdirSync(join(volume, 'sub'))
  writeFileSync(join(volume, 'large'), LARGE)
  for (let n = 0; n < 50; n++) writeFileSync(join(volume, `sub/${n}`), `content of ${n}`)
  const backUp = async (mode: string) => {
    const { state, warnings, result } = await world.backUp({ mode })
    expect({ state, warnings }).toEqual({ state: 'success', warnings: [] })
    return result.file ?? result.backup?.name ?? ''
  }
  const recover = async (name: string) => {
    rmSync(join(volume, 'large'))
    rmSync(join(volume, 'sub'), { recursive: true })
    expect(await world.recover(name)).toMatchObject({ state: 'success', warnings: [] })
    expect(readFileSync(join(volume, 'large')).equals(LARGE)).toBe(true)
    for (let n = 0; n < 50; n++)
      expect(readFileSync(join(volume, `sub/${n}`), 'utf8')).toBe(`content of ${n}`)
  }
  const names = async () =>
    (await world.store.list(SERVER, { limit: 100 })).backups.map(({ name, corrupt }) => ({ name, corrupt }))
  return { ...world, proxy, backUp, recover, names }
}

/** Backs up while all requests fail for about a minute from the first data on. */
async function outlast(place: SwiftPlace, fault: 500 | 503 | 'reset'): Promise<void> {
  const { proxy, backUp, recover } = await stormyWorld(place)
  const running = backUp('full')
  const hasSentData = () => proxy.requests.some((request) => FIRST_DATA.test(request))
  await expect.poll(hasSentData, { timeout: 60_000, interval: 5 }).toBe(true)
  const calm = proxy.storm([fault])
  // Pauses grow: so many tries take about a minute.
  await expect.poll(() => proxy.stormed, { timeout: 120_000, interval: 50 }).toBeGreaterThan(12)
  calm()
  await recover(await running)
}

describeSwift('a network to a real Swift', (place) => {
  test.each(MODES)(
    'in which each fourth request fails somehow delays a %s backup and its recover',
    async (mode) => {
      const { proxy, backUp, recover } = await stormyWorld(place)
      proxy.storm([500, 'reset', 503, 'lost'], 4)
      const name = await backUp(mode)
      await recover(name)
      expect(proxy.stormed).toBeGreaterThan(5)
    },
    TIMEOUT_MS,
  )

  // Together, because each waits for about a minute.
  test(
    'that is gone for a while, however it fails, delays a full backup',
    async () => {
      await Promise.all(([500, 503, 'reset'] as const).map((fault) => outlast(place, fault)))
    },
    TIMEOUT_MS,
  )

  test.each(MODES)(
    'that shows old lists loses no %s backup, and overwrites none',
    async (mode) => {
      const { proxy, backUp, recover, names, volume } = await stormyWorld(place)
      const first = await backUp(mode)
      const thaw = proxy.freezeLists()
      await names()
      const second = await backUp(mode)
      writeFileSync(join(volume, 'sub/0'), 'content of 0')
      const third = await backUp(mode)
      thaw()
      const made = [...new Set([first, second, third])]
      expect((await names()).toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual(
        made.toSorted().map((name) => ({ name, corrupt: null })),
      )
      for (const name of made) await recover(name)
    },
    TIMEOUT_MS,
  )
})

const PROBLEMS = '{ servers { problems } }'

describeSwift('a daemon whose bucket on a real Swift is deleted', (place) => {
  test(
    'fails its runs with that reason, names it as a problem, and goes on when there is a bucket again',
    async () => {
      const store = await place.swift.newStore()
      const shop = given.app('shop').proc('web').volume('/data/db').files({ 'a.txt': 'words' })
      const { ask, backUp } = await shop.schedule({ mode: 'full', expire: '30d' }).running({ store })
      expect(await backUp()).toMatchObject({ state: 'SUCCESS' })
      const client = s3Client(place.swift.endpoint, place.swift.owner)
      const { Contents = [] } = await client.listObjectsV2({ Bucket: store.bucket })
      for (const { Key = '' } of Contents) await client.deleteObject({ Bucket: store.bucket, Key })
      await client.deleteBucket({ Bucket: store.bucket })
      const { state, error } = await backUp()
      expect({ state, error }).toMatchObject({ state: 'FAILED', error: { code: 'STORE_UNAVAILABLE' } })
      const problems = async () => JSON.stringify(await ask(PROBLEMS))
      await expect.poll(problems, { timeout: 120_000, interval: 500 }).toContain('the bucket does not exist')
      await client.createBucket({ Bucket: store.bucket })
      // It is another, empty one: nothing is written there before an operator says so.
      expect(await backUp()).toMatchObject({ state: 'FAILED', error: { code: 'STORE_CHANGED' } })
      client.destroy()
    },
    TIMEOUT_MS,
  )
})
