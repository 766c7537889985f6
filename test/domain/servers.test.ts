import { expect, test } from 'vitest'
import { acceptNews } from '../../src/domain/accept-news.ts'
import { tick } from '../../src/domain/controller.ts'
import { acceptInventory } from '../../src/domain/inventory.ts'
import { getJob } from '../../src/domain/jobs.ts'
import { readServerProblems } from '../../src/domain/server-problems.ts'
import { isReachable, listServerProblems, type ServerState } from '../../src/domain/server-state.ts'
import { POLL_EVERY_MS } from '../../src/domain/servers.ts'
import { asCaller } from '../../src/domain/user-world.ts'
import { NEVER } from '../../src/lib/clock.ts'
import { BackupdError } from '../../src/lib/errors.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { callerWith } from '../support/callers.ts'
import { sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import type { InMemory } from '../support/given/in-memory.ts'
import { given } from '../support/given.ts'

const hello = given.app('hello').proc('web')

const [ONE, TWO] = ['10.0.0.1', '10.0.0.2'] as const

async function twoServers() {
  const kit = await given.daemon(ONE).daemon(TWO).inMemory()
  return { ...kit, one: kit.daemons.at(ONE), two: kit.daemons.at(TWO) }
}

async function after({ world, clock }: InMemory, ms: number): Promise<void> {
  clock.move(ms)
  tick(world)
  await world.background.settled()
}

test('a daemon gets our address and its jobs once', async () => {
  const kit = await twoServers()
  await kit.take(hello.on(ONE, TWO).volume('/data/db').inventory())
  await after(kit, POLL_EVERY_MS)
  expect(kit.one.notify).toEqual(['http://10.0.0.9:9002/api/v2/system/notify'])
  expect(kit.one.versions).toHaveLength(1)
  expect(kit.one.jobs.map(({ job }) => job.action)).toEqual(['backup', 'backup_expire'])
})

test('a daemon gets its verify job once it knows what that is', async () => {
  const kit = await twoServers()
  await kit.take(hello.on(ONE).volume('/data/db').inventory())
  await after(kit, POLL_EVERY_MS)
  const id = '0a000001-verify'
  expect(getJob(kit.world, id)?.problem).toBe(
    'Its daemon is older and does not verify on a schedule: upgrade it',
  )
  expect(listServerProblems(kit.world.servers.get(ONE) as ServerState)).toEqual([])
  kit.one.debug.capabilities = ['failures', 'verify-schedule']
  await after(kit, POLL_EVERY_MS)
  expect(kit.one.jobs.map(({ job }) => job.action)).toEqual(['backup', 'backup_expire', 'backup_verify_due'])
  expect(getJob(kit.world, id)).toMatchObject({ problem: null, app: 'backupctl', asleep: false })
})

test('an older daemon that would ignore a hook is named, until it is upgraded', async () => {
  const kit = await twoServers()
  const hooks = { on_failure: { command: 'tell.sh' } }
  await kit.take(hello.on(ONE, TWO).volume('/data/db').schedule({ hooks }).inventory())
  await after(kit, POLL_EVERY_MS)
  const [planned] = kit.world.inventory.plan.jobsByServer.get(ONE) ?? []
  const problems = () => readServerProblems(kit.world, kit.world.servers.get(ONE) as ServerState)
  const ignored = 'Its daemon is older and ignores the hooks on_failure and always: upgrade it'
  expect(getJob(kit.world, planned?.id ?? '')?.problem).toBe(ignored)
  expect(problems()).toContain(ignored)
  const ofOthers = asCaller(kit.world, callerWith('viewer', ['other']))
  expect(readServerProblems(ofOthers, kit.world.servers.get(ONE) as ServerState)).not.toContain(ignored)
  kit.one.debug.capabilities = ['end-hooks']
  await after(kit, POLL_EVERY_MS)
  expect(getJob(kit.world, planned?.id ?? '')?.problem).toBeNull()
  expect(problems()).not.toContain(ignored)
})

test('a restarted daemon gets both again, with the next poll', async () => {
  const kit = await twoServers()
  await kit.take(hello.on(ONE).volume('/data/db').inventory())
  kit.one.restart('2026-11-23T08:59:59Z')
  await after(kit, POLL_EVERY_MS)
  expect(kit.one.versions).toHaveLength(2)
  expect(kit.one.notify).toHaveLength(2)
})

test('another daemon at the address of a known one is asked for its backups', async () => {
  const kit = await twoServers()
  await kit.take(hello.on(ONE).volume('/data/db').inventory())
  const lists = () => kit.one.asked.filter((question) => question === 'backups').length
  const before = lists()
  await after(kit, POLL_EVERY_MS)
  expect(lists()).toBe(before)
  kit.one.debug = { ...kit.one.debug, daemonId: 'the one of a new machine' }
  await after(kit, POLL_EVERY_MS)
  expect(lists()).toBe(before + 1)
})

test('a daemon that dropped our address gets both again, without a restart', async () => {
  const kit = await twoServers()
  await kit.take(hello.on(ONE).volume('/data/db').inventory())
  await after(kit, POLL_EVERY_MS)
  kit.one.debug = { ...kit.one.debug, updateTime: NEVER }
  await after(kit, POLL_EVERY_MS)
  expect(kit.one.versions).toHaveLength(2)
  expect(kit.one.notify).toHaveLength(2)
})

test('a daemon that refuses its jobs for another reason has no other controller, and is not silent', async () => {
  const kit = await twoServers()
  const { daemon } = kit.world.ports
  const { setJobs } = daemon
  daemon.setJobs = () => Promise.reject(new BackupdError('DAEMON_REFUSED', 'the disk of the daemon is full'))
  await kit.take(hello.on(ONE).volume('/data/db').inventory())
  const server = kit.world.servers.get(ONE)
  expect(server).toMatchObject({ conflict: null, error: 'the disk of the daemon is full', silentSince: null })
  daemon.setJobs = setJobs
  await after(kit, POLL_EVERY_MS)
  expect(server).toMatchObject({ conflict: null, error: null })
  expect(kit.one.versions).toHaveLength(1)
  kit.one.down = true
  await after(kit, POLL_EVERY_MS)
  expect(server?.silentSince).not.toBeNull()
})

test('a daemon that is down hides and delays nobody, and gets its jobs when it is up', async () => {
  const kit = await twoServers()
  kit.two.down = true
  await kit.take(hello.on(ONE, TWO).volume('/data/db').inventory())
  const server = kit.world.servers.get(TWO)
  expect(kit.one.jobs).toHaveLength(2)
  expect(server && listServerProblems(server)).toEqual(['Cannot reach the daemon on 10.0.0.2'])
  kit.two.down = false
  await after(kit, 1000)
  expect(kit.two.jobs).toHaveLength(2)
  expect(server && isReachable(server)).toBe(true)
})

test('a daemon that never answers does not delay others', async () => {
  const kit = await twoServers()
  const { promise, resolve } = Promise.withResolvers<void>()
  kit.two.hang = promise
  await acceptInventory(kit.world, {
    kind: 'inventory',
    inventory: hello.on(ONE, TWO).volume('/data/db').inventory(),
  })
  await expect.poll(() => kit.one.jobs).toHaveLength(2)
  kit.clock.move(POLL_EVERY_MS)
  tick(kit.world)
  await expect.poll(() => kit.one.asked.filter((question) => question === 'debug')).toHaveLength(2)
  expect(kit.two.asked).toEqual(['debug'])
  resolve()
})

test('a silent daemon that sends news is polled at once', async () => {
  const kit = await twoServers()
  kit.one.down = true
  await kit.take(hello.on(ONE).volume('/data/db').inventory())
  kit.one.down = false
  await acceptNews(
    kit.world,
    { protocol: 2, daemonId: 'x', server: ONE, records: [], running: [] },
    { from: ONE },
  )
  await kit.world.background.settled()
  expect(kit.one.jobs).toHaveLength(2)
})

test('a server that leaves is sent an empty list until it accepts it, also across a restart of the controller', async () => {
  const kit = await twoServers()
  await kit.take(hello.on(ONE, TWO).volume('/data/db').inventory())
  kit.two.down = true
  await kit.take(hello.on(ONE).volume('/data/db').inventory())
  expect(kit.two.jobs).toHaveLength(2)
  const again = await kit.reopen()
  expect(again.servers.get(TWO)?.leaving).toBe(true)
  kit.two.down = false
  tick(again)
  await again.background.settled()
  expect(kit.two.jobs).toEqual([])
  expect([...again.servers.keys()]).toEqual([ONE])
  expect((await kit.catalog.servers.all()).map(({ ip }) => ip)).toEqual([ONE])
})

test('a server that left stays known while one of its runs has not ended', async () => {
  const kit = await twoServers()
  await kit.take(hello.on(ONE, TWO).volume('/data/db').inventory())
  const accept = (record: RunRecord) =>
    acceptNews(
      kit.world,
      { protocol: 2, daemonId: 'x', server: TWO, records: [record], running: [] },
      { from: TWO },
    )
  const run = sampleRecord({ server: TWO, jobId: '' })
  await accept(run)
  await kit.take(hello.on(ONE).volume('/data/db').inventory())
  await after(kit, POLL_EVERY_MS)
  expect(kit.two.jobs).toEqual([])
  expect([...kit.world.servers.keys()]).toEqual([ONE, TWO])
  await accept({ ...run, seq: 9, state: 'success', end: '2026-11-23T08:45:00Z' })
  await after(kit, POLL_EVERY_MS)
  expect([...kit.world.servers.keys()]).toEqual([ONE])
})

test('after a restart of the controller backups are listed again, because some may be deleted', async () => {
  const kit = await twoServers()
  kit.one.backups = [sampleBackup({ server: ONE })]
  await kit.take(hello.on(ONE).volume('/data/db').inventory())
  const inCatalog = async () => (await kit.catalog.backups.count({})).count
  expect(await inCatalog()).toBe(1)
  kit.one.backups = []
  await after(kit, POLL_EVERY_MS)
  expect(await inCatalog()).toBe(1)
  const again = await kit.reopen()
  tick(again)
  await again.background.settled()
  expect(await inCatalog()).toBe(0)
})

test('a job that the daemon dropped is named with the server', async () => {
  const kit = await twoServers()
  kit.one.unknownSpecs.add('0 5 * * *')
  await kit.take(hello.on(ONE).volume('/data/db').inventory())
  const server = kit.world.servers.get(ONE)
  expect(server && listServerProblems(server)).toEqual([
    'The daemon does not run the job "0 5 * * *" backup of /data/db (hello.web.web): see that the spec is a schedule and the path allowed',
  ])
})

test('a daemon that runs for another IP is sent nothing', async () => {
  const kit = await given.daemon(ONE).inMemory()
  const stranger = kit.daemons.at(ONE)
  stranger.debug.ip = '10.0.0.7'
  await kit.take(hello.on(ONE).volume('/data/db').inventory())
  expect(stranger.versions).toEqual([])
  const server = kit.world.servers.get(ONE)
  expect(server && listServerProblems(server)).toEqual([
    'The daemon there says it is 10.0.0.7, so it is sent no jobs',
  ])
})

test('existing backups of a new server are added to the catalog', async () => {
  const kit = await twoServers()
  kit.one.backups = [sampleBackup({ server: ONE })]
  await kit.take(hello.on(ONE).volume('/data/db').inventory())
  const { items } = await kit.catalog.backups.find({ server: ONE }, { first: 5 })
  expect(items.map(({ node }) => node.name)).toEqual([sampleBackup().name])
})

test('an inventory that changes during a poll reaches the daemon', async () => {
  const kit = await twoServers()
  const { promise, resolve } = Promise.withResolvers<void>()
  kit.one.hang = promise
  await acceptInventory(kit.world, { kind: 'inventory', inventory: hello.on(ONE).volume('/a').inventory() })
  await acceptInventory(kit.world, {
    kind: 'inventory',
    inventory: hello.on(ONE).volumes('/a', '/b').inventory(),
  })
  resolve()
  await kit.world.background.settled()
  expect(kit.one.jobs).toHaveLength(3)
})

test('a controller takes over once in each start, and not again', async () => {
  const kit = await twoServers()
  kit.world.settings.takesOver = () => true
  kit.one.debug.controller = { id: 'before', url: 'http://10.0.0.8:9002' }
  await kit.take(hello.on(ONE).volume('/data/db').inventory())
  expect(kit.one.debug.controller?.id).toBe(kit.world.settings.identity)
  kit.one.debug.controller = { id: 'since', url: 'http://10.0.0.7:9002' }
  for (let poll = 0; poll < 3; poll++) await after(kit, POLL_EVERY_MS)
  expect(kit.one.debug.controller?.id).toBe('since')
  expect(kit.world.servers.get(ONE)?.conflict).toContain('since')
})
