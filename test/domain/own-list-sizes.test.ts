import { expect, test } from 'vitest'
import { type ListSizes, readOwnListSizes } from '../../src/domain/list-sizes.ts'
import { asCaller } from '../../src/domain/user-world.ts'
import { callerWith } from '../support/callers.ts'
import { given } from '../support/given.ts'

const own = given.app('shop').proc('web').on('10.0.0.1', '10.0.0.2').volume('/data/a').volume('/data/b')

function measure(sizes: ListSizes) {
  const { jobs, servers, ...plain } = sizes
  return { ...plain, jobs: [jobs({}), jobs({ app: 'shop' }), jobs({ app: 'big' })], servers: servers({}) }
}

test('what a list costs a caller says nothing of apps that it may not see', async () => {
  const alone = await own.inMemory()
  const foreign = [1, 2, 3, 4, 5].reduce(
    (app, n) => app.volume(`/data/${n}`),
    own.app('big').proc('db').on('10.0.0.1', '10.0.0.2', '10.0.0.3'),
  )
  const crowded = await foreign.proc('more').on('10.0.0.1').volume('/data/x').inMemory()
  const asShop = callerWith('viewer', ['shop'])
  const [one, other] = [alone, crowded].map(({ world }) => readOwnListSizes(asCaller(world, asShop)))
  if (!one || !other) throw new Error('There are two worlds')
  expect(measure(one)).toEqual({
    ...{ apps: 1, tokens: 0, servers: 2, jobs: [4, 4, 0] },
    procsOfApps: { all: 1, most: 1 },
    instancesOfProcs: { all: 2, most: 2 },
    volumesOfInstances: { all: 4, most: 2 },
    jobsOfVolumes: { all: 4, most: 1 },
    jobsOfServers: { all: 4, most: 2 },
  })
  expect(measure(other)).toEqual(measure(one))
  const admin = callerWith('viewer', null)
  expect(measure(readOwnListSizes(asCaller(crowded.world, admin))).jobsOfVolumes.all).toBeGreaterThan(4)
})

test('the sizes follow the inventory and the caller', async () => {
  const { world } = await own.inMemory()
  const measureAs = (apps: string[]) => readOwnListSizes(asCaller(world, callerWith('viewer', apps)))
  expect(measureAs(['none-*']).jobsOfVolumes).toEqual({ all: 0, most: 0 })
  expect(measureAs(['sh*']).jobsOfVolumes).toEqual({ all: 4, most: 1 })
  expect(measureAs(['sh*'])).toEqual(expect.objectContaining({ apps: 1 }))
})
