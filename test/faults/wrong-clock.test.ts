import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createDaemonMemory } from '../../src/daemon/memory/daemon-memory.ts'
import { openDaemonDatabase } from '../../src/daemon/memory/database.ts'
import { MAX_SILENCE_MS, Outbox } from '../../src/daemon/memory/outbox.ts'
import { confirmClock } from '../../src/domain/clocks.ts'
import { tick } from '../../src/domain/controller.ts'
import { HELD_FOR_MS } from '../../src/domain/inventory.ts'
import type { RunContext, RunSettings } from '../../src/engine/plugin.ts'
import { backupPlugin } from '../../src/engine/plugins/backup/plugin.ts'
import { backupExpirePlugin } from '../../src/engine/plugins/backup_expire/plugin.ts'
import { systemBootClock } from '../../src/lib/boot-clock.ts'
import { localDriver } from '../../src/objects/drivers/local.ts'
import { debugSchema } from '../../src/wire/daemon-api.ts'
import { keptLog, sampleRun, temporaryDir } from '../support/daemon-kit.ts'
import { type StartedDaemon, startTestDaemon } from '../support/daemon-start.ts'
import { given } from '../support/given.ts'
import { secondsClock } from '../support/hand-clock.ts'
import { machineClocks } from '../support/machine-clocks.ts'
import { backupArgs, SERVER } from '../support/plugin-args.ts'
import { runPlugin } from '../support/run-plugin.ts'
import { publishSample } from '../support/sample-backups.ts'
import { putSnapshots, sampleFacts, sampleSnapshot } from '../support/snapshot-samples.ts'
import { SOURCE, T0 } from '../support/store-samples.ts'
import { createWholeStore } from '../support/whole-store.ts'

const shop = given.app('shop').proc('web').volume('/data/db')

const DAY_SECONDS = 86_400
const DAY = DAY_SECONDS * 1000

/** What a run is handed while the trusted time is `trustedMs`. */
function anchoredAt(settings: RunSettings, trustedMs: number): RunSettings {
  return { ...settings, timeAnchor: { trustedMs, bootMs: systemBootClock.elapsedMs() } }
}

describe('a clock that is wrong for a minute deletes nothing:', () => {
  async function history() {
    const world = await shop.plugins()
    const clock = secondsClock()
    const driver = localDriver(world.storeDir)
    const store = createWholeStore({ driver, identity: world.settings, clock, warn: () => {} })
    for (let day = 6; day >= 0; day--) {
      clock.set(T0 - day * DAY_SECONDS)
      await publishSample(store)
      await putSnapshots(
        store,
        sampleSnapshot(
          { hostname: SERVER, backupd: sampleFacts({ sequence: 7 - day }) },
          T0 - day * DAY_SECONDS,
        ),
      )
    }
    const settings = anchoredAt(world.settings, T0 * 1000)
    const expireAt = (seconds: number) => {
      clock.set(seconds)
      const change: Partial<RunContext> = { clock }
      const args = { info: [SOURCE, '30d', `${SOURCE}@increment`, '30d'] }
      return runPlugin(backupExpirePlugin, settings, { args, change })
    }
    return { ...world, store, clock, expireAt }
  }

  test('60 days ahead, with a backup and an expire run', async () => {
    const { store, clock, expireAt } = await history()
    clock.set(T0 + 60 * DAY_SECONDS)
    await publishSample(store)
    await putSnapshots(store, sampleSnapshot({ hostname: SERVER }, T0 + 60 * DAY_SECONDS))
    const { result } = await expireAt(T0 + 60 * DAY_SECONDS)
    expect(result).toEqual({ deleted: [] })
    expect((await store.list(SERVER, { source: SOURCE, limit: 100 })).backups).toHaveLength(9)
  })

  test('60 days back, and ahead again', async () => {
    const { expireAt } = await history()
    expect((await expireAt(T0 - 60 * DAY_SECONDS)).result).toEqual({ deleted: [] })
    expect((await expireAt(T0)).result).toEqual({ deleted: [] })
  })

  test('records, news and notify addresses during a controller outage', () => {
    using dir = temporaryDir()
    const machine = machineClocks()
    const db = openDaemonDatabase(join(dir.path, 'daemon.db'), keptLog())
    onTestFinished(() => void db.close())
    const trusted = machine.start()
    const memory = createDaemonMemory(db, trusted, { kept() {}, progressed() {} })
    const outbox = new Outbox(db, trusted)
    const run = sampleRun()
    const kept = memory.keep([run.at('success')])
    memory.flush()
    outbox.add({ address: 'http://10.0.0.9:9002/notify', protocol: 2 })
    outbox.noteAccepted('http://10.0.0.9:9002/notify', 1)
    outbox.noteSilence('http://10.0.0.9:9002/notify')
    machine.jump(60 * DAY)
    expect(memory.prune()).toBe(0)
    expect(outbox.noteSilence('http://10.0.0.9:9002/notify')).toBe(false)
    machine.jump(-60 * DAY)
    machine.pass(MAX_SILENCE_MS)
    expect(outbox.noteSilence('http://10.0.0.9:9002/notify')).toBe(true)
    return kept
  })
})

describe('a backup that is made while the clock is in doubt', () => {
  test.each(['full', 'increment'])('is marked, and warns (%s)', async (mode) => {
    const { settings, volume, store } = await shop.plugins()
    writeFileSync(join(volume, 'file'), 'content')
    const trustedMs = Date.now() - 60 * DAY
    const { result, warnings } = await runPlugin(backupPlugin, anchoredAt(settings, trustedMs), {
      args: { ...backupArgs(volume), mode },
      change: {},
    })
    const trusted = result.backup?.clockDoubt?.trusted ?? ''
    expect(Math.abs(Date.parse(trusted) - trustedMs)).toBeLessThan(60_000)
    expect(warnings.join()).toContain('the clock of this machine is in doubt')
    const [listed] = (await store.list(SERVER, { limit: 10 })).backups
    expect(listed?.clockDoubt).toEqual({ trusted })
  })

  test.each(['full', 'increment'])('has no mark while it is not (%s)', async (mode) => {
    const { settings, volume } = await shop.plugins()
    const { result } = await runPlugin(backupPlugin, anchoredAt(settings, Date.now()), {
      args: { ...backupArgs(volume), mode },
      change: {},
    })
    expect(result.backup).not.toHaveProperty('clockDoubt')
  })
})

describe('a daemon whose clock jumped while it was stopped', () => {
  /** As if it had last run an hour ago by the boot clock, and 60 days and an hour ago by the wall clock. */
  async function jumped(): Promise<StartedDaemon> {
    const dir = temporaryDir()
    onTestFinished(() => dir[Symbol.dispose]())
    const first = await startTestDaemon({}, dir.path)
    await first.close()
    const db = new Database(join(dir.path, 'data', 'daemon.db'))
    const key = "SELECT value FROM facts WHERE key = 'clock'"
    const note = JSON.parse(db.prepare<[], string>(key).pluck().get() ?? '')
    note.trustedMs -= 60 * DAY
    db.prepare("UPDATE facts SET value = ? WHERE key = 'clock'").run(JSON.stringify(note))
    db.close()
    const daemon = await startTestDaemon({}, dir.path)
    onTestFinished(() => daemon.close())
    await expect.poll(async () => (await daemon.ask('GET', '/healthz')).status, { timeout: 50_000 }).toBe(200)
    return daemon
  }
  const debugOf = async (daemon: StartedDaemon, query = '') =>
    debugSchema.parse((await daemon.ask('GET', `/api/v1/debug${query}`)).body)
  const controller = (nowMs: number, boot = 'controller') => `?clock=${nowMs}&boot=${boot}`

  test('says so, and marks its backups, until an operator confirms the clock', async () => {
    const daemon = await jumped()
    expect((await debugOf(daemon)).problems?.join()).toMatch(/The clock says .*, expected .*confirmClock/)
    expect(daemon.log.lines.map(({ message }) => message).join()).toContain('The clock says')
    const volume = join(daemon.dir, 'volumes', 'db')
    mkdirSync(volume)
    const job = { id: 'j1', spec: '0 5 * * *', action: 'backup', args: backupArgs(volume) }
    await daemon.ask('PUT', '/api/v1/cron/jobs', { form: { data: JSON.stringify([job]), version: '1' } })
    const back = async () => {
      const { body } = await daemon.ask('POST', '/api/v1/cron/jobs/j1/actions/run', { form: {} })
      return (await daemon.ended((body as { rid: string }).rid)).result?.backup
    }
    expect(await back()).toHaveProperty('clockDoubt')
    expect((await daemon.ask('POST', '/api/v1/clock/actions/confirm', { form: {} })).status).toBe(200)
    expect(await debugOf(daemon)).toMatchObject({ problems: [], clock: { inDoubt: false } })
    expect(await back()).not.toHaveProperty('clockDoubt')
  })

  test('trusts the clock when the clock of the controller agrees', async () => {
    const daemon = await jumped()
    const { clock } = await debugOf(daemon)
    expect(clock?.inDoubt).toBe(true)
    const later = await debugOf(daemon, controller(Date.now() - 60 * DAY))
    expect(later.clock?.inDoubt).toBe(true)
    expect((await debugOf(daemon, controller(Date.now(), clock?.boot))).clock?.inDoubt).toBe(true)
    expect((await debugOf(daemon, controller(Date.now()))).clock?.inDoubt).toBe(false)
  })

  test.each(['?clock=x&boot=b', '?clock=1e99&boot=b', '?clock=-1&boot=b', '?clock=5'])(
    'ignores an invalid clock: %s',
    async (query) => {
      const daemon = await startTestDaemon()
      onTestFinished(() => daemon[Symbol.asyncDispose]())
      expect(await debugOf(daemon, query)).toMatchObject({ problems: [], clock: { inDoubt: false } })
    },
  )
})

describe('a controller', () => {
  const IP = '10.0.0.1'

  async function withClocks() {
    const machine = machineClocks()
    const trustedClock = machine.start()
    const clock = { now: machine.clock.now(), boot: 'another machine', inDoubt: true }
    const kit = await given
      .app('hello')
      .proc('web')
      .on(IP)
      .volume('/data/db')
      .daemon(IP, { capabilities: ['clock'], clock })
      .inMemory({ clock: machine.clock, trustedClock })
    const daemon = kit.daemons.at(IP)
    const poll = async () => {
      for (const server of kit.world.servers.values()) server.nextPollAt = 0
      tick(kit.world)
      await kit.world.background.settled()
    }
    return { ...kit, machine, trustedClock, daemon, clock, poll }
  }

  test('sends its clock to daemons, except while it is in doubt', async () => {
    const { machine, daemon, poll } = await withClocks()
    await poll()
    expect(daemon.witnesses.at(-1)).toEqual({ nowMs: machine.clock.now(), bootId: machine.boot.bootId })
    machine.jump(60 * DAY)
    await poll()
    expect(daemon.witnesses.at(-1)).toBeUndefined()
  })

  test('believes a daemon on another machine that is not in doubt', async () => {
    const { machine, trustedClock, clock, poll } = await withClocks()
    machine.jump(60 * DAY)
    clock.now = machine.clock.now()
    await poll()
    expect(trustedClock.doubt).not.toBeNull()
    clock.inDoubt = false
    await poll()
    expect(trustedClock.doubt).toBeNull()
  })

  test('passes the confirmation of an operator on to the daemon', async () => {
    const { world, clock } = await withClocks()
    const answer = await confirmClock(world, IP)
    expect(answer).toMatchObject({ ip: IP, debug: { clock: { inDoubt: false } } })
    expect(clock.inDoubt).toBe(false)
    expect(await confirmClock(world, '10.0.0.2')).toMatchObject({ refused: 'NOT_FOUND' })
  })

  test('trusts its own clock too if the daemon has the same one', async () => {
    const { world, machine, trustedClock, clock } = await withClocks()
    machine.jump(60 * DAY)
    await confirmClock(world, IP)
    expect(trustedClock.doubt).not.toBeNull()
    clock.boot = machine.boot.bootId
    await confirmClock(world, IP)
    expect(trustedClock.doubt).toBeNull()
  })

  test('holds an inventory for ten minutes of elapsed time, whatever its clock says', async () => {
    const { world, machine, trustedClock, take, poll } = await withClocks()
    await take({ apps: [] })
    machine.jump(2 * HELD_FOR_MS)
    await poll()
    expect(world.inventory.held).not.toBeNull()
    machine.run(trustedClock, HELD_FOR_MS)
    await poll()
    expect(world.inventory.held).toBeNull()
  })
})
