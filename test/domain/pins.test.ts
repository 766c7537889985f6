import { expect, test } from 'vitest'
import { holdBackup, releaseBackup } from '../../src/domain/pins.ts'
import { CAPABILITIES } from '../../src/wire/capabilities.ts'
import { given } from '../support/given.ts'

const IP = '10.0.0.1'
const hello = given.app('hello').proc('web').on(IP).volume('/data/db').withBackups(1)

async function withDaemon(capabilities: string[]) {
  const { world, daemons } = await hello.daemon(IP, { capabilities }).inMemory()
  const { items } = await world.ports.backups.find({}, { first: 1 })
  const target = { app: 'hello', proc: 'web', name: items[0]?.node.name ?? '' }
  return { world, target, asked: daemons.at(IP).asked, request: { target, reason: 'case 4711', until: null } }
}

test('a daemon that would not keep what is pinned is not asked', async () => {
  const { world, target, asked, request } = await withDaemon(['holds'])
  const before = asked.length
  const isOld = { refused: 'DAEMON_REFUSED', message: expect.stringContaining('upgrade it') }
  expect(await holdBackup(world, request)).toMatchObject(isOld)
  expect(await releaseBackup(world, { target })).toMatchObject(isOld)
  expect(asked.length).toBe(before)
})

test('a pin needs a reason, a time that is to come, and a backup that exists', async () => {
  const { world, target, request } = await withDaemon([...CAPABILITIES])
  const isRefused = { refused: 'BAD_INPUT', message: expect.stringMatching(/expected 1 to 500|has passed/) }
  for (const wrong of [{ reason: ' ' }, { reason: 'x'.repeat(501) }, { until: world.clock.now() }])
    expect(await holdBackup(world, { ...request, ...wrong })).toMatchObject(isRefused)
  const missing = { ...request, target: { ...target, name: 'none' } }
  expect(await holdBackup(world, missing)).toMatchObject({ refused: 'NOT_FOUND' })
})
