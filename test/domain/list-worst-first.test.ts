import { expect, test } from 'vitest'
import { tick } from '../../src/domain/controller.ts'
import { readWholeHealth } from '../../src/domain/read-whole-health.ts'
import { countVolumes, findWorstVolumes, type VolumeFilter } from '../../src/domain/volumes.ts'
import { isoTime } from '../../src/lib/clock.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import type { InMemory } from '../support/given/in-memory.ts'
import { given } from '../support/given.ts'

const IP = '10.0.0.1'
const names = Array.from({ length: 12 }, (_, n) => `/data/${String(n).padStart(2, '0')}`)
const shop = given
  .app('blog')
  .proc('web')
  .on(IP)
  .volume('/mail')
  .app('shop')
  .proc('web')
  .on(IP)
  .volumes(...names)
  .daemon(IP, { timeZone: 'UTC' })

let runs = 0

async function end({ world, clock }: InMemory, name: string, state: RunRecord['state']) {
  const job = world.inventory.plan.volumes.find((volume) => volume.name === name)?.jobs[0]
  if (!job) throw new Error(`there is no volume ${name}`)
  const { id: jobId, spec, action, args } = job.job
  const now = isoTime(clock.now())
  const backup = sampleBackup({ name: `b${++runs}`, source: String(args.path), created: now, sequence: runs })
  const result = state === 'success' ? { backup } : null
  await world.ledger.apply([
    sampleRecord({ rid: ridOf(runs), jobId, spec, action, args, state, start: now, end: now, result }),
  ])
}

async function start() {
  const kit = await shop.inMemory()
  for (let n = 0; n < 2; n++) {
    tick(kit.world)
    await kit.world.background.settled()
  }
  for (const name of ['/mail', ...names.slice(2)]) await end(kit, name, 'success')
  await end(kit, names[7] ?? '', 'failed')
  await end(kit, names[4] ?? '', 'lost')
  const list = (filter: VolumeFilter, first = 50, after?: string) =>
    findWorstVolumes(kit.world, filter, { first, ...(after && { after }) })
  return { ...kit, list }
}

const EXPECTED = [
  '/data/04',
  '/data/07',
  '/data/00',
  '/data/01',
  '/mail',
  ...names.filter((_, n) => n > 1 && n !== 4 && n !== 7),
]

test('volumes are listed worst first, then by place, page by page', async () => {
  const { list } = await start()
  const whole = list({})
  expect(whole.items.map(({ node }) => node.name)).toEqual(EXPECTED)
  const found: string[] = []
  for (let after: string | undefined = undefined; found.length < EXPECTED.length; ) {
    const { items, hasNextPage } = list({}, 3, after)
    found.push(...items.map(({ node }) => node.name))
    expect(hasNextPage).toBe(found.length < EXPECTED.length)
    after = items.at(-1)?.cursor
  }
  expect(found).toEqual(EXPECTED)
})

test('the filters are those of the other order, and the states', async () => {
  const { list, world } = await start()
  const read = (filter: VolumeFilter) => list(filter).items.map(({ node }) => node.name)
  expect(read({ app: 'blog' })).toEqual(['/mail'])
  expect(read({ states: ['FAILING'] })).toEqual(['/data/04', '/data/07'])
  expect(read({ app: 'blog', states: ['FAILING'] })).toEqual([])
  expect(countVolumes(world, { states: ['FAILING', 'UNKNOWN'] }).count).toBe(4)
})

test('a cursor goes on at its place when volumes got better or worse meanwhile', async () => {
  const kit = await start()
  const first = kit.list({}, 2)
  await end(kit, '/data/07', 'success')
  await end(kit, '/mail', 'failed')
  const rest = kit.list({}, 50, first.items.at(-1)?.cursor)
  expect(rest.items.map(({ node }) => node.name)).toEqual(
    ['/data/00', '/data/01', ...EXPECTED.slice(5, 9), '/data/07', ...EXPECTED.slice(9)].filter(
      (name) => name !== '/mail',
    ),
  )
})

test('a cursor of the other order is refused', async () => {
  const { list } = await start()
  expect(() => list({}, 2, 'bm9uc2Vuc2U')).toThrow('is not a cursor of this list')
})

test('the whole health counts volumes and names the worst', async () => {
  const kit = await start()
  const health = await readWholeHealth(kit.world)
  expect(health).toMatchObject({
    state: 'FAILING',
    volumes: 13,
    controller: { state: 'OK' },
    servers: [{ state: 'OLD_VERSION', servers: 1 }],
  })
  expect(health.counts.filter(({ volumes }) => volumes > 0)).toEqual([
    { state: 'FAILING', volumes: 2 },
    { state: 'UNKNOWN', volumes: 2 },
    { state: 'OK', volumes: 9 },
  ])
  expect(health.summary).toMatch(
    /^Of 13 volumes, 2 fail, 2 wait for .*; 9 have a good backup within their schedule; none is proven restorable yet\. The worst: \/data\/04 of shop\.web\.web, instance 1: The last full backup .* was lost/,
  )
})

test('all is well is said at once', async () => {
  const kit = await start()
  for (const name of names) await end(kit, name, 'success')
  expect((await readWholeHealth(kit.world)).summary).toMatch(
    /^All 13 volumes have a good backup within their schedule/,
  )
})
