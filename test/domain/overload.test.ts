import { expect, test } from 'vitest'
import { admitNews } from '../../src/domain/accept-news.ts'
import { tick } from '../../src/domain/controller.ts'
import { given } from '../support/given.ts'

const IP = '10.0.0.1'

test('news that is refused for longer than a burst is a problem until all is taken again', async () => {
  const { world, clock, log } = await given.app('hello').proc('web').on(IP).volume('/data/db').inMemory()
  const isReported = () => world.problems.has('overload', 'news')
  const pass = async (ms: number) => {
    clock.move(ms)
    tick(world)
    await world.background.settled()
  }
  const refuse = () =>
    expect(() => admitNews(world, { server: IP, rids: [], records: 1 }, { from: IP })).toThrow('records wait')
  using _all = admitNews(world, { server: IP, rids: [], records: 1_000_000 }, { from: IP })
  for (let minute = 0; minute < 3; minute++) {
    refuse()
    expect(isReported()).toBe(false)
    await pass(60_000)
  }
  expect(isReported()).toBe(true)
  expect(world.problems.list()[0]?.text).toContain('it refused 3 posts in 3 minutes')
  for (let second = 0; second < 5; second++) await pass(1000)
  expect(log.lines.filter((line) => line.includes('More news arrives'))).toHaveLength(1)
  await pass(60_000)
  expect(isReported()).toBe(false)
  expect(log.lines.filter((line) => line === 'All news is taken again')).toHaveLength(1)
  refuse()
  await pass(1000)
  expect(isReported()).toBe(false)
})
