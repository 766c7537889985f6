import { describe, expect, test } from 'vitest'
import { acceptNews, admitNews } from '../../src/domain/accept-news.ts'
import { closeWorld, tick } from '../../src/domain/controller.ts'
import { acceptInventory } from '../../src/domain/inventory.ts'
import { getJob, sleepJob } from '../../src/domain/jobs.ts'
import { expireJobId } from '../../src/domain/planned-job.ts'
import type { KnownServer } from '../../src/domain/ports.ts'
import { forgetSchedule } from '../../src/domain/schedule.ts'
import { listServerProblems, type ServerState } from '../../src/domain/server-state.ts'
import { POLL_EVERY_MS, pollDue } from '../../src/domain/servers.ts'
import { listLegacyJobs } from '../../src/rest-compat/legacy/job.ts'
import type { DaemonDebug } from '../../src/wire/daemon-api.ts'
import type { Inventory } from '../../src/wire/inventory.ts'
import { sampleRecord } from '../support/catalog-samples.ts'
import type { InMemory } from '../support/given/in-memory.ts'
import { given } from '../support/given.ts'

const hello = given.app('hello').proc('web')
const MINUTE_MS = 60_000

function addresses(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `10.0.${Math.floor(at / 200)}.${(at % 200) + 1}`)
}

async function fleet(count: number) {
  const ips = addresses(count)
  const described = ips.reduce<ReturnType<typeof given.daemon>>((all, ip) => all.daemon(ip), given)
  const kit = await described.inMemory()
  const inventory = hello
    .on(...ips)
    .volume('/data/db')
    .inventory()
  return { ...kit, ips, inventory, all: ips.map((ip) => kit.daemons.at(ip)) }
}

/** Lets time pass in steps of `stepMs`, and does what is due after each. */
async function pass({ world, clock }: InMemory, ms: number, stepMs = 100): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    clock.move(stepMs)
    pollDue(world)
    await world.background.settled()
  }
}

function forgetQuestions({ all }: Awaited<ReturnType<typeof fleet>>): void {
  for (const daemon of all) daemon.asked = []
}

/** The inventory of the fleet, with one more volume on this server. */
function addVolume({ ips, inventory }: Awaited<ReturnType<typeof fleet>>, ip: string): Inventory {
  const changed = structuredClone(inventory)
  const instance = changed.apps[0]?.procs[0]?.instances[ips.indexOf(ip)]
  const [volume] = instance?.volumes ?? []
  if (volume) instance?.volumes.push({ ...volume, name: '/data/files' })
  return changed
}

test('an edit of one volume asks the daemon of its server at once, and no other', async () => {
  const kit = await fleet(8)
  await kit.take(kit.inventory)
  forgetQuestions(kit)
  const [edited = ''] = kit.ips
  await kit.take(addVolume(kit, edited))
  expect(kit.daemons.at(edited).jobs).toHaveLength(3)
  expect(kit.all.filter(({ asked }) => asked.length > 0)).toEqual([kit.daemons.at(edited)])
})

test('a job that the daemon has in another way than the plan is kept as the daemon has it', async () => {
  const kit = await fleet(1)
  const [ip = ''] = kit.ips
  await kit.take(addVolume(kit, ip))
  const { plan } = kit.world.inventory
  const planned = listLegacyJobs(plan.jobsByServer.get(ip) ?? [])
  const scheduleOf = () => planned.map(({ id }) => kit.world.servers.get(ip)?.schedule.get(id)?.job)
  expect(planned).toHaveLength(3)
  for (const [at, { job }] of planned.entries()) expect(scheduleOf()[at]).toEqual(job)

  const [asleep, other] = kit.daemons.at(ip).jobs
  if (asleep) asleep.job.sleep = true
  if (other) other.job.args = { ...other.job.args, path: '/elsewhere' }
  forgetSchedule(kit.world.servers.get(ip) as ServerState)
  await pass(kit, 2 * POLL_EVERY_MS)
  const [first, second, third] = scheduleOf()
  expect(first).toEqual({ ...planned[0]?.job, sleep: true })
  expect(second?.args.path).toBe('/elsewhere')
  expect(third).toEqual(planned[2]?.job)
})

test('an edit delays no poll and brings none forward', async () => {
  const kit = await fleet(2)
  await kit.take(kit.inventory)
  const [edited = '', other = ''] = kit.ips
  const due = kit.world.servers.get(other)?.nextPollAt
  await pass(kit, 1000)
  await kit.take(addVolume(kit, edited))
  expect(kit.world.servers.get(other)?.nextPollAt).toBe(due)
})

test('after a start a large fleet is asked a few at a time, each daemon once', async () => {
  const kit = await fleet(300)
  await kit.take(kit.inventory)
  const asked = () => kit.all.filter((daemon) => daemon.asked.includes('debug')).length
  expect(asked()).toBeLessThanOrEqual(20)
  let before = asked()
  for (let step = 0; step < 50; step++) {
    await pass(kit, 100)
    expect(asked() - before).toBeLessThanOrEqual(20)
    before = asked()
  }
  expect(
    kit.all.filter(({ asked }) => asked.filter((question) => question === 'debug').length !== 1),
  ).toEqual([])
})

test('polls of daemons that were asked together drift apart', async () => {
  const kit = await fleet(20)
  let seed = 1
  kit.world.polling.random = () => {
    seed = (seed * 16_807) % 2_147_483_647
    return seed / 2_147_483_647
  }
  await kit.take(kit.inventory)
  const due = new Set([...kit.world.servers.values()].map(({ nextPollAt }) => nextPollAt))
  expect(due.size).toBeGreaterThan(15)
  const latest = kit.clock.now() + POLL_EVERY_MS
  for (const at of due) expect(at).toBeLessThanOrEqual(latest)
})

test('daemons that are dead, hang or are slow take nothing from the others', async () => {
  const kit = await fleet(100)
  await kit.take(kit.inventory)
  await pass(kit, 2000)
  forgetQuestions(kit)
  const [dead, hanging, slow] = [kit.all.slice(0, 10), kit.all.slice(10, 20), kit.all.slice(20, 30)]
  const [hang, wait] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  for (const daemon of dead) daemon.down = true
  for (const daemon of hanging) daemon.hang = hang.promise
  for (const daemon of slow) daemon.hang = wait.promise
  for (let step = 0; step < 900; step++) {
    kit.clock.move(100)
    pollDue(kit.world)
    await new Promise(setImmediate)
    if (step === 450) wait.resolve()
  }
  await expect.poll(() => kit.all.slice(30).every((daemon) => countPolls(daemon.asked) === 3)).toBe(true)
  for (const ip of kit.ips.slice(20)) {
    const server = kit.world.servers.get(ip)
    expect(server && listServerProblems(server)).toEqual([])
    expect(server?.silentSince).toBeNull()
  }
  for (const { asked } of hanging) expect(asked).toEqual(['debug'])
  hang.resolve()
})

function countPolls(asked: readonly string[]): number {
  return asked.filter((question) => question === 'debug').length
}

test('while daemons answer, the catalog learns it every few minutes, of all in one write', async () => {
  const kit = await fleet(5)
  await kit.take(kit.inventory)
  await pass(kit, 1000)
  tick(kit.world)
  await kit.world.background.settled()
  const { save } = kit.world.ports.servers
  const saved: KnownServer[][] = []
  kit.world.ports.servers.save = async (...servers) => {
    saved.push(servers)
    await save(...servers)
  }
  for (let passed = 0; passed < 4 * MINUTE_MS; passed += POLL_EVERY_MS) await pollAndTick(kit)
  expect(saved).toEqual([])
  for (let passed = 0; passed < 2 * MINUTE_MS; passed += POLL_EVERY_MS) await pollAndTick(kit)
  expect(saved.map((servers) => servers.length)).toEqual([5])
  await pollAndTick(kit)
  await closeWorld(kit.world)
  expect(await kit.catalog.servers.all()).toMatchObject(
    kit.ips.map((ip) => ({ ip, lastSeen: kit.world.servers.get(ip)?.lastSeen })),
  )
})

async function pollAndTick({ world, clock }: InMemory): Promise<void> {
  clock.move(POLL_EVERY_MS)
  pollDue(world)
  await world.background.settled()
  tick(world)
  await world.background.settled()
}

test('the time of the last answer of a daemon that fell silent is saved', async () => {
  const kit = await fleet(1)
  const [ip = ''] = kit.ips
  await kit.take(kit.inventory)
  await pollAndTick(kit)
  await pollAndTick(kit)
  const { lastSeen } = kit.world.servers.get(ip) ?? {}
  kit.daemons.at(ip).down = true
  await pollAndTick(kit)
  expect(await kit.catalog.servers.all()).toMatchObject([{ ip, lastSeen }])
})

test('polls drop no answer that the catalog keeps', async () => {
  const kit = await fleet(1)
  await kit.take(kit.inventory)
  await pollAndTick(kit)
  const first = kit.catalog.backups.find({}, { first: 5 })
  kit.daemons.at(kit.ips[0] ?? '').down = true
  await pollAndTick(kit)
  expect(kit.catalog.backups.find({}, { first: 5 })).toBe(first)
})

test('an inventory is taken while a poll hangs, and sent after it', async () => {
  const kit = await fleet(1)
  const [ip = ''] = kit.ips
  await kit.take(kit.inventory)
  const { promise, resolve } = Promise.withResolvers<void>()
  kit.daemons.at(ip).hang = promise
  kit.clock.move(POLL_EVERY_MS)
  pollDue(kit.world)
  const inventory = hello.on(ip).volumes('/data/db', '/data/files').inventory()
  await acceptInventory(kit.world, { kind: 'inventory', inventory })
  resolve()
  await kit.world.background.settled()
  expect(kit.daemons.at(ip).jobs).toHaveLength(3)
})

describe('a list of jobs', () => {
  const IP = '10.0.0.1'
  const two = given.app('hello').proc('web').on(IP).volumes('/data/db', '/data/files')

  async function versioned(debug: Partial<DaemonDebug> = { listVersion: '0' }) {
    const kit = await two.daemon(IP, debug).inMemory()
    const daemon = kit.daemons.at(IP)
    const count = (question: string) => daemon.asked.filter((asked) => asked === question).length
    const [job = ''] = kit.jobIds()
    return { ...kit, daemon, count, job, view: () => getJob(kit.world, job) }
  }

  test('is read once; then polls read only the times that changed', async () => {
    const kit = await versioned()
    for (let poll = 0; poll < 3; poll++) await pollAndTick(kit)
    kit.daemon.startJob(kit.job, '2026-11-23T10:01:00Z')
    kit.daemon.startJob('', '2026-11-23T10:02:00Z')
    await pollAndTick(kit)
    expect(kit.view()).toMatchObject({ prevRun: '2026-11-23T10:01:00Z', asleep: false })
    expect(getJob(kit.world, expireJobId(IP))?.prevRun).toBe('2026-11-23T10:02:00Z')
    expect(kit.count('jobs')).toBe(1)
  })

  test('is not read again for the start and the end of a run, nor to put a job to sleep', async () => {
    const kit = await versioned()
    kit.daemon.startJob(kit.job, '2026-11-23T10:01:00Z')
    const records = [sampleRecord({ jobId: kit.job })]
    await acceptNews(
      kit.world,
      { protocol: 2, daemonId: 'x', server: IP, records, running: [] },
      { from: IP },
    )
    await pass(kit, 2000)
    expect(kit.view()?.prevRun).toBe('2026-11-23T10:01:00Z')
    await sleepJob(kit.world, { id: kit.job })
    expect(kit.view()?.asleep).toBe(true)
    expect(kit.count('jobs')).toBe(1)
  })

  test('gets the times that come with news, but no older ones', async () => {
    const kit = await versioned()
    const { asked } = kit.daemon
    const before = asked.length
    const tell = async (prev: string, ids: string[]) => {
      const times = ids.map((id) => ({ id, prev, next: '2026-11-25T05:00:00Z', sleep: false }))
      const news = { protocol: 2, daemonId: 'x', server: IP, records: [], running: [], times } as const
      await acceptNews(kit.world, { ...news, records: [], running: [], times }, { from: IP })
    }
    await tell('2026-11-23T10:05:00Z', [kit.job, '', 'unknown'])
    const expected = { prevRun: '2026-11-23T10:05:00Z', nextRun: '2026-11-25T05:00:00Z' }
    expect(kit.view()).toMatchObject(expected)
    expect(getJob(kit.world, expireJobId(IP))).toMatchObject(expected)
    await tell('2026-11-23T10:04:00Z', [kit.job])
    expect(kit.view()).toMatchObject(expected)
    expect(asked).toHaveLength(before)
  })

  test('is read again after it was sent, and if the daemon cannot say what changed', async () => {
    const kit = await versioned()
    await kit.take(given.app('hello').proc('web').on(IP).volume('/data/db').inventory())
    expect(kit.count('jobs')).toBe(2)
    kit.daemon.noteChange('all')
    await pollAndTick(kit)
    expect(kit.count('jobs')).toBe(3)
    await pollAndTick(kit)
    expect(kit.count('jobs')).toBe(3)
  })

  test('is not sent again by a restarted controller to a daemon that has it', async () => {
    const kit = await versioned()
    const again = await kit.reopen()
    await pollAndTick({ ...kit, world: again })
    expect(kit.daemon.versions).toHaveLength(1)
    expect(getJob(again, kit.job)?.nextRun).toBe('2026-11-24T05:00:00Z')
  })

  test('is sent again by a controller that has moved, so that the daemon names its new address', async () => {
    const kit = await versioned()
    const moved = await kit.reopen()
    moved.settings.advertise = 'http://10.0.0.8:9002'
    await pollAndTick({ ...kit, world: moved })
    expect(kit.daemon.debug.controller?.url).toBe('http://10.0.0.8:9002')
  })

  test('of a daemon without versions is read with each poll, and sent by a restarted controller', async () => {
    const kit = await versioned({})
    await pollAndTick(kit)
    expect(kit.count('jobs')).toBe(2)
    await pollAndTick({ ...kit, world: await kit.reopen() })
    expect(kit.daemon.versions).toHaveLength(2)
  })
})

test('a post of a daemon that was not reached yet costs no look at the others', async () => {
  const kit = await fleet(50)
  await kit.take(kit.inventory)
  const [ip = '', refusedIp = ''] = kit.ips
  const again = await kit.reopen()
  let looks = 0
  const { servers } = again
  const all = servers.values.bind(servers)
  servers.values = () => {
    looks += 1
    return all()
  }
  kit.daemons.at(ip).asked = []
  const news = { protocol: 2, daemonId: 'x', server: ip, records: [], running: [] } as const
  await acceptNews(again, { ...news, records: [], running: [] }, { from: ip })
  admitNews(again, { server: refusedIp, rids: [], records: 1 }, { from: refusedIp })[Symbol.dispose]()
  expect(looks).toBe(0)
  await again.background.settled()
  expect(kit.daemons.at(ip).asked).toContain('debug')
})
