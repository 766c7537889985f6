import { expect, test } from 'vitest'
import { refuse } from '../../src/domain/answer.ts'
import { audited } from '../../src/domain/audit.ts'
import { deleteBackups } from '../../src/domain/delete-backups.ts'
import { runJob } from '../../src/domain/jobs.ts'
import { getRecord } from '../../src/domain/records.ts'
import { POLL_EVERY_MS, pollDue } from '../../src/domain/servers.ts'
import { BackupdError } from '../../src/lib/errors.ts'
import { sampleBackup } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'

const IP = '10.0.0.1'
const hello = given.app('hello').proc('web').on(IP).volume('/data/db').inventory()

async function oneServer() {
  const kit = await given.daemon(IP).inMemory()
  const daemon = kit.daemons.at(IP)
  const poll = async (ms = POLL_EVERY_MS) => {
    kit.clock.move(ms)
    pollDue(kit.world)
    await kit.world.background.settled()
  }
  const count = (question: string) => daemon.asked.filter((asked) => asked === question).length
  return { ...kit, daemon, poll, count }
}

test('a broken list of backups is read again with the next poll', async () => {
  const { world, daemons, daemon, catalog, take, poll } = await oneServer()
  daemon.backups = [sampleBackup({ server: IP })]
  const list = daemons.backups
  let fails = true
  world.ports.daemon.backups = (ip, namespace) => {
    if (fails) throw new BackupdError('STORE_UNAVAILABLE', 'the store hangs')
    return list(ip, namespace)
  }
  await take(hello)
  expect(world.problems.list()).toMatchObject([{ text: expect.stringContaining('the store hangs') }])
  fails = false
  await poll()
  expect(await catalog.backups.get(IP, sampleBackup().name)).toBeDefined()
  expect(world.problems.list()).toEqual([])
})

test('jobs and the notify address are sent again after a failure', async () => {
  const { world, daemons, daemon, take, poll } = await oneServer()
  const { setNotify, setJobs } = daemons
  daemon.debug.updateTime = '2026-11-23T08:30:00Z'
  let failures = 1
  const failOnce = () => {
    if (failures-- > 0) throw new BackupdError('DAEMON_REFUSED', 'its disk is full')
  }
  world.ports.daemon.setNotify = async (ip, address) => {
    failOnce()
    await setNotify(ip, address)
  }
  await take(hello)
  expect([daemon.notify, daemon.versions]).toEqual([[], []])
  expect(world.servers.get(IP)?.error).toBe('its disk is full')
  failures = 1
  world.ports.daemon.setNotify = setNotify
  world.ports.daemon.setJobs = async (ip, jobs, sender) => {
    failOnce()
    await setJobs(ip, jobs, sender)
  }
  await poll()
  expect(daemon.notify).toHaveLength(1)
  expect(daemon.versions).toEqual([])
  await poll()
  expect(daemon.versions).toHaveLength(1)
  expect(world.servers.get(IP)?.error).toBeNull()
})

test('a failing daemon is asked again after one, two, four seconds, at last every half minute', async () => {
  const { daemon, take, poll, count } = await oneServer()
  daemon.down = true
  await take(hello)
  for (const pause of [1000, 2000, 4000, 8000, 16_000, POLL_EVERY_MS, POLL_EVERY_MS]) {
    const before = count('debug')
    await poll(pause - 1)
    expect([pause, count('debug')]).toEqual([pause, before])
    await poll(1)
    expect([pause, count('debug')]).toEqual([pause, before + 1])
  }
  daemon.down = false
  await poll(POLL_EVERY_MS)
  daemon.down = true
  await poll(POLL_EVERY_MS)
  const before = count('debug')
  await poll(1000)
  expect(count('debug')).toBe(before + 1)
})

test('a daemon that refuses is not silent, an unreachable one is silent since the first failure', async () => {
  const { world, daemons, daemon, take, poll, clock } = await oneServer()
  daemon.down = true
  await take(hello)
  const since = clock.now()
  await poll(1000)
  expect(world.servers.get(IP)?.silentSince).toBe(since)
  daemon.down = false
  const { debug } = daemons
  world.ports.daemon.debug = () => Promise.reject(new BackupdError('DAEMON_REFUSED', 'no'))
  await poll()
  expect(world.servers.get(IP)?.silentSince).toBeNull()
  world.ports.daemon.debug = debug
  await poll()
  expect(world.servers.get(IP)).toMatchObject({ error: null, failures: 0 })
})

test('what cannot be written to the audit is refused, with a problem until it can', async () => {
  const { world, take, jobIds } = await oneServer()
  await take(hello)
  const { write } = world.ports.audit
  world.ports.audit.write = () => Promise.reject(new Error('the disk is full'))
  const [id = ''] = jobIds()
  await expect(runJob(world, { id })).rejects.toMatchObject({
    code: 'CATALOG_UNUSABLE',
    message: 'Nothing was done, because the audit cannot be written: the disk is full',
  })
  expect(await world.ports.records.find({}, { first: 1 })).toMatchObject({ items: [] })
  expect(world.problems.list()).toMatchObject([
    { source: 'audit', text: expect.stringContaining('disk is full') },
  ])
  // The first entry is written, and the one with the outcome is not.
  let asked = 0
  world.ports.audit.write = (entry) => (asked++ === 0 ? write(entry) : Promise.reject(new Error('no room')))
  expect(await runJob(world, { id })).toMatchObject({ jobId: id })
  expect(world.problems.list()).toMatchObject([{ text: expect.stringContaining('The log has the outcome') }])
  world.ports.audit.write = write
  await runJob(world, { id })
  expect(world.problems.list()).toEqual([])
})

test('an audit entry has a bounded size, whatever the caller names', async () => {
  const { world } = await oneServer()
  const sizes: number[] = []
  const { write } = world.ports.audit
  world.ports.audit.write = (entry) => {
    sizes.push(JSON.stringify(entry).length)
    return write(entry)
  }
  const names = Array.from({ length: 50_000 }, (_, at) => `backup-${at}`)
  const check = () => undefined
  const act = async () => refuse('NOT_FOUND', names.join())
  await audited(world, { verb: 'test', facts: { names } }, { check, act })
  await audited(world, { verb: 'test', facts: { names: ['one'] } }, { check, act })
  await audited(world, { verb: 'test', facts: { names } }, { check: act, act })
  expect(sizes).toHaveLength(5)
  expect(Math.max(...sizes)).toBeLessThan(20_000)
  expect(sizes[2]).toBeLessThan(200)
})

test('a run whose daemon cannot be asked again is returned as it is known', async () => {
  const { world, daemons, daemon, take, jobIds } = await oneServer()
  await take(hello)
  const { runJob: run } = daemons
  world.ports.daemon.runJob = async (...asked) => {
    const rid = await run(...asked)
    daemon.down = true
    return rid
  }
  const [id = ''] = jobIds()
  const record = await runJob(world, { id })
  expect(record).toMatchObject({ state: 'queued' })
  if (!('rid' in record)) throw new Error('it was refused')
  expect(await getRecord(world, record.rid)).toMatchObject({ state: 'queued' })
})

test('after an interrupted delete the next poll lists the backups again', async () => {
  const { world, daemon, catalog, take, poll } = await oneServer()
  daemon.backups = [sampleBackup({ server: IP })]
  await take(hello)
  const { name, app } = sampleBackup()
  expect(await catalog.backups.get(IP, name)).toBeDefined()
  world.ports.daemon.deleteBackups = async () => {
    daemon.backups = []
    throw new BackupdError('DAEMON_UNREACHABLE', 'it hung up')
  }
  const deleting = deleteBackups(world, { app, proc: 'web', names: [name], needsNoPlan: true })
  await expect(deleting).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE' })
  expect(await catalog.backups.get(IP, name)).toBeDefined()
  await poll()
  expect(await catalog.backups.get(IP, name)).toBeUndefined()
})
