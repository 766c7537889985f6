import { expect, test } from 'vitest'
import { given } from './given.ts'

test('what the last call would leave out is refused with its name, and with the calls that start it', async () => {
  const changed = given.volume('/data/db').changedTo({ a: 'b' })
  await expect(changed.plugins()).rejects.toThrow(
    'plugins() starts nothing of changedTo(). Calls that start all of it: running()',
  )
  const mounted = given.volume('/data/db').onOwnMount()
  await expect(mounted.withBackups(1).store()).rejects.toThrow(
    'store() starts nothing of onOwnMount(). Calls that start all of it: none',
  )
  expect(() => given.withSnapshots(1).onDisk()).toThrow('store(), plugins(), repository()')
})

test('a volume or a backup on no server is refused in memory', async () => {
  await expect(given.volume('/data/db').inMemory()).rejects.toThrow(/hello\.web\.web .*call on\(\) first/)
  await expect(given.withBackups(1).inMemory()).rejects.toThrow('call on() first')
})

test('backups in memory were made a second apart, before the clock by hand starts', async () => {
  const { daemons, clock } = await given.proc('web').on('10.0.0.1').withBackups(2).inMemory()
  const [first, second] = daemons.at('10.0.0.1').backups.map(({ created }) => Date.parse(created))
  expect(Number(second) - Number(first)).toBe(1000)
  expect(second).toBeLessThan(clock.now())
})
