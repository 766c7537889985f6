import { afterEach, expect, test } from 'vitest'
import { listFiles } from '../../src/domain/backups.ts'
import { rebuildCatalog } from '../../src/domain/catalog.ts'
import { POLL_EVERY_MS, pollDue } from '../../src/domain/servers.ts'
import { sampleBackup } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'
import { unreachable } from '../support/memory-daemons.ts'

const HANGING = Array.from({ length: 10 }, (_, at) => `10.0.0.${at + 1}`)
const HEALTHY = Array.from({ length: 30 }, (_, at) => `10.0.1.${at + 1}`)

let endHanging = () => {}
afterEach(() => endHanging())

/** A fleet in which some daemons answer their polls, but not one of the questions. */
async function fleet({ hangAt }: { hangAt: string }) {
  const kit = await given
    .app('hello')
    .proc('web')
    .on(...HANGING, ...HEALTHY)
    .volume('/data/db')
    .inMemory()
  const { world, clock, daemons } = kit
  while ([...world.servers.values()].some(({ debug }) => debug === null)) {
    clock.move(100)
    pollDue(world)
    await world.background.settled()
  }
  const hanging = Promise.withResolvers<void>()
  endHanging = () => hanging.reject(unreachable('it'))
  hanging.promise.catch(() => {})
  for (const ip of HANGING) daemons.at(ip).hangsAt.set(hangAt, hanging.promise)
  const all = [...HANGING, ...HEALTHY]
  for (const ip of all) daemons.at(ip).asked = []
  const countAsked = (ips: readonly string[], question: string) =>
    ips.flatMap((ip) => daemons.at(ip).asked.filter((asked) => asked === question)).length
  /** Lets time pass in steps of a second, in which every due poll is made. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 1000) {
      clock.move(1000)
      pollDue(world)
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  /** The same; what is begun also ends. */
  const passSettled = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 1000) {
      await pass(1000)
      await world.background.settled()
    }
  }
  const makeStale = () => {
    for (const server of world.servers.values()) Object.assign(server, { listingStale: true })
  }
  return { ...kit, countAsked, pass, passSettled, makeStale }
}

test('daemons that do not answer their lists keep no other from being listed', async () => {
  const { pass, makeStale, countAsked } = await fleet({ hangAt: 'backups' })
  makeStale()
  await pass(POLL_EVERY_MS + 5000)
  await expect.poll(() => countAsked(HEALTHY, 'backups'), { timeout: 5000 }).toBe(HEALTHY.length)
  expect(countAsked(HANGING, 'backups')).toBe(HANGING.length)
})

test('while a daemon answers its polls, no other is asked for its list', async () => {
  const { world, pass, makeStale, countAsked } = await fleet({ hangAt: 'backups' })
  makeStale()
  await pass(POLL_EVERY_MS + 5000)
  await expect.poll(() => countAsked(HEALTHY, 'backups'), { timeout: 5000 }).toBe(HEALTHY.length)
  endHanging()
  await world.background.settled()
  expect(world.problems.list()).toHaveLength(HANGING.length)
  expect([countAsked(HEALTHY, 'namespaces'), countAsked(HEALTHY, 'backups')]).toEqual([0, HEALTHY.length])
})

test('a list that fails is asked for more and more seldom, and soon after the daemon was away', async () => {
  const kit = await fleet({ hangAt: 'backups' })
  const [ip = ''] = HANGING
  const daemon = kit.daemons.at(ip)
  endHanging()
  kit.makeStale()
  await kit.passSettled(20 * POLL_EVERY_MS)
  const tries = kit.countAsked([ip], 'backups')
  expect(tries).toBeGreaterThanOrEqual(4)
  expect(tries).toBeLessThanOrEqual(6)
  daemon.down = true
  await kit.passSettled(POLL_EVERY_MS)
  daemon.down = false
  daemon.hangsAt.clear()
  daemon.backups = [sampleBackup({ server: ip })]
  await kit.passSettled(POLL_EVERY_MS)
  expect(await kit.catalog.backups.get(ip, sampleBackup().name)).toBeDefined()
})

test('a rebuild lists the others while daemons do not answer', async () => {
  const { world, countAsked } = await fleet({ hangAt: 'backups' })
  const rebuilding = rebuildCatalog(world, { dryRun: true, forget: [] })
  await expect.poll(() => countAsked(HEALTHY, 'backups')).toBeGreaterThanOrEqual(HEALTHY.length)
  endHanging()
  const rebuilt = await rebuilding
  if ('refused' in rebuilt) throw new Error(rebuilt.message)
  expect(rebuilt.filter(({ error }) => error === null).map(({ ip }) => ip)).toEqual(HEALTHY)
})

test('the backups of a dead server are found although daemons do not answer which ones they have', async () => {
  const { world, daemons, clock, countAsked } = await fleet({ hangAt: 'namespaces' })
  const dead = sampleBackup({ server: '10.0.9.1' })
  for (const ip of HEALTHY) daemons.at(ip).backups = [dead]
  const files = listFiles(world, dead, { path: '', after: null, limit: 10 })
  // Its patience begins with the question.
  await expect.poll(() => countAsked(HANGING, 'namespaces')).toBeGreaterThan(0)
  clock.move(1000)
  expect((await files).files).toHaveLength(1)
})
