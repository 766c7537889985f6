import { expect, test } from 'vitest'
import { listFiles } from '../../src/domain/backups.ts'
import { pollDue } from '../../src/domain/servers.ts'
import { listSnapshots } from '../../src/domain/snapshots.ts'
import { sampleBackup } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'
import { unreachable } from '../support/memory-daemons.ts'

const [DEAD, LIVING] = ['10.0.0.1', '10.0.0.2'] as const
const PAGE = { path: '', after: null, limit: 10 }

/** Two daemons of one store; the host of the first one died, so that each question to it waits for its end. */
async function deadHost() {
  const kit = await given.app('hello').proc('web').on(DEAD, LIVING).volume('/data/db').inMemory()
  const backup = sampleBackup({ server: DEAD })
  const [dead, living] = [kit.daemons.at(DEAD), kit.daemons.at(LIVING)]
  living.backups = [backup]
  dead.down = true
  kit.clock.move(60_000)
  pollDue(kit.world)
  await kit.world.background.settled()
  expect(kit.world.servers.get(DEAD)?.silentSince).not.toBeNull()
  const hanging = Promise.withResolvers<void>()
  hanging.promise.catch(() => {})
  dead.hang = hanging.promise
  for (const daemon of [dead, living]) daemon.asked = []
  return { ...kit, backup, dead, living, giveUp: () => hanging.reject(unreachable(DEAD)) }
}

test('a question about a server that is known to be silent does not wait for its host', async () => {
  const { world, backup, dead } = await deadHost()
  expect((await listFiles(world, backup, PAGE)).files).toHaveLength(1)
  const series = { count: 1, snapshots: 1, newest: 'a', lastGood: null }
  await listSnapshots(world, { ...backup, mode: 'increment', series }, { first: 10 })
  expect(dead.asked).toEqual([])
})

test('a silent server is asked if no other daemon has the answer', async () => {
  const { world, backup, dead, living, giveUp } = await deadHost()
  living.backups = []
  const read = listFiles(world, backup, PAGE)
  await expect.poll(() => dead.asked).toEqual(['files'])
  giveUp()
  await expect(read).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE' })
})
