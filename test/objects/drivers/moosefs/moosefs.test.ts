import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../../../src/lib/clock.ts'
import type { Driver, Space } from '../../../../src/objects/driver.ts'
import { mooseFsPlace } from '../../../../src/objects/drivers/moosefs/place.ts'
import { readBack } from '../../../../src/objects/drivers/moosefs/read-back.ts'
import { wholeSample } from '../../../../src/objects/drivers/moosefs/samples.ts'
import { openDriver } from '../../../../src/objects/drivers/open-driver.ts'
import { describeMooseFs } from '../../../support/describe-moosefs.ts'
import { handClock } from '../../../support/hand-clock.ts'
import { type MooseFs, type MooseFsHost, startMooseFs } from '../../../support/moosefs.ts'
import { tempDir } from '../../../support/temp-dir.ts'

const CHILD = fileURLToPath(new URL('../../../programs/moosefs-child.ts', import.meta.url))

function driverOn(dir: string): Driver {
  return openDriver({ driver: 'moosefs', dir }, { dataDir: tempDir(), clock: systemClock })
}

async function put(driver: Driver, name: string, content: Buffer): Promise<void> {
  const writer = await driver.create(name)
  await writer.write(content)
  await writer.commit().finally(() => writer.abort())
}

describe('the moosefs driver without a MooseFS', () => {
  it('refuses a directory of another file system, and names it', async () => {
    const driver = driverOn(tempDir())
    const refused = {
      code: 'STORE_NOT_MOUNTED',
      message: expect.stringMatching(/is not on a mounted MooseFS: it lies on \/.*, which is \w+/),
    }
    await expect(driver.check()).rejects.toMatchObject(refused)
    await expect(driver.create('ns/object')).rejects.toMatchObject(refused)
    await expect(driver.lock('ns/.lock')).rejects.toMatchObject(refused)
  })

  it('refuses a directory that does not exist', async () => {
    await expect(driverOn(join(tempDir(), 'none')).check()).rejects.toMatchObject({
      code: 'STORE_NOT_MOUNTED',
      message: expect.stringContaining('it does not exist'),
    })
  })
})

describeMooseFs('the moosefs driver on a real MooseFS', () => {
  let moosefs: MooseFs
  let host: MooseFsHost
  let other: MooseFsHost
  let dir: string
  let count = 0

  beforeAll(async () => {
    moosefs = await startMooseFs()
    host = moosefs.addHost('10.77.0.11')
    other = moosefs.addHost('10.77.0.12')
  })
  afterAll(() => moosefs[Symbol.asyncDispose]())
  beforeEach(() => {
    dir = join(host.dir, `store-${count++}`)
    mkdirSync(dir)
  })

  const received = () => {
    const [link] = JSON.parse(host.run('ip', '-s', '-j', 'link', 'show', 'eth0'))
    return link.stats64.rx.bytes as number
  }
  const inHost = (task: string) => JSON.parse(host.run(process.execPath, CHILD, task, dir, tempDir()))

  it('writes nothing below a missing mount, and continues when it is back', async () => {
    const driver = driverOn(dir)
    const under = host.dir
    await put(driver, 'ns/before', Buffer.from('x'))
    const open = await driver.create('ns/open')
    host.unmount()
    const gone = { code: 'STORE_NOT_MOUNTED' }
    await expect(driver.create('ns/object')).rejects.toMatchObject(gone)
    await expect(driver.replace('ns/small', Buffer.from('x'))).rejects.toMatchObject(gone)
    await expect(driver.remove('ns/before')).rejects.toMatchObject(gone)
    await expect(driver.check()).rejects.toMatchObject(gone)
    mkdirSync(dir)
    await expect(driver.create('ns/object')).rejects.toMatchObject(gone)
    expect(readdirSync(under, { recursive: true })).toEqual([dir.slice(under.length + 1)])
    rmSync(dir, { recursive: true })
    await open.write(Buffer.from('what was open still goes to the MooseFS'))
    await expect(open.commit()).rejects.toMatchObject(gone)
    host.mount()
    const part = readdirSync(join(dir, 'ns')).find((name) => name.startsWith('open.part-')) ?? ''
    expect(statSync(join(dir, 'ns', part)).size).toBe(39)
    await open.abort()
    expect(readdirSync(join(dir, 'ns'))).toEqual(['before'])
    await put(driver, 'ns/object', Buffer.from('x'))
  })

  it('reports a mount whose mfsmount died', async () => {
    const driver = driverOn(dir)
    await driver.check()
    host.killMount()
    const refusal = () => driver.check().then(String, ({ code, message }) => `${code}: ${message}`)
    await expect.poll(refusal).toMatch(/^STORE_UNAVAILABLE: .* the mount is not connected/)
    host.unmount()
    host.mount()
    await driver.check()
  })

  it('waits for an absent master, and continues when it is back', async () => {
    const child = fork(CHILD, ['write', dir, tempDir()])
    const said: unknown[] = []
    child.on('message', (word) => said.push(word))
    await once(child, 'message')
    moosefs.stopMaster()
    child.send('go on')
    expect(statSync(join(host.dir, '.masterinfo')).size).toBeGreaterThan(0)
    await expect.poll(() => said).toContain('written')
    expect(said).not.toContain('done')
    moosefs.startMaster()
    await once(child, 'exit')
    expect(said).toEqual(['begun', 'written', 'done'])
    expect(await driverOn(dir).stat('ns/object')).toMatchObject({ size: 4 << 20 })
  })

  it('reads samples back from the chunk servers, although all of it is in the page cache', async () => {
    const content = Buffer.alloc(32 << 20, 'what is written')
    const writer = await driverOn(dir).create('ns/object')
    for (let at = 0; at < content.length; at += 1 << 20)
      await writer.write(content.subarray(at, at + (1 << 20)))
    const before = received()
    await writer.sync()
    await writer.commit()
    expect(received() - before).toBeGreaterThan(16 * 65_536)
  })

  it('finds that the samples differ from what was written', async () => {
    await put(driverOn(dir), 'ns/object', Buffer.from('hello'))
    const path = join(dir, 'ns/object')
    await readBack(path, 'ns/object', wholeSample(Buffer.from('hello')))
    await expect(readBack(path, 'ns/object', wholeSample(Buffer.from('hullo')))).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('differs from what was written, at byte 0'),
    })
  })

  it('creates an object once, whichever host is first', async () => {
    const theirs = driverOn(dir.replace(host.dir, other.dir))
    const ours = driverOn(dir)
    const made = await Promise.allSettled([
      put(ours, 'ns/object', Buffer.from('1')),
      put(theirs, 'ns/object', Buffer.from('2')),
    ])
    expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const unnamed = await Promise.all([ours, theirs].map((driver) => driver.createIn('ns/tmp')))
    const named = await Promise.allSettled(unnamed.map((writer) => writer.commit('ns/c')))
    expect(named.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    for (const writer of unnamed) await writer.abort()
    expect(readdirSync(join(dir, 'ns/tmp'))).toEqual([])
  })

  it('checks its mount again after a second, also if the wall clock was set back', async () => {
    const clock = handClock()
    const place = mooseFsPlace(dir, clock)
    const read = vi.spyOn(promises, 'readFile')
    syncBuiltinESMExports()
    onTestFinished(() => {
      vi.restoreAllMocks()
      syncBuiltinESMExports()
    })
    const countChecks = async () => {
      await place.within(async () => {})
      return read.mock.calls.filter(([path]) => path === '/proc/self/mountinfo').length
    }
    expect([await countChecks(), await countChecks()]).toEqual([1, 1])
    clock.move(-3_600_000)
    clock.move(1000)
    expect(await countChecks()).toBe(2)
  })

  it('lets temporary and replaced files skip the trash, but no object by its second name, and reports the trash', () => {
    const before: Space = inHost('space')
    host.run(process.execPath, CHILD, 'trash', dir, tempDir())
    const after: Space = inHost('space')
    expect((after.trashBytes ?? 0) - (before.trashBytes ?? 0)).toBe(1_000_000)
  })

  it('treats a quota as room, and warns when it is nearly used up', async () => {
    await put(driverOn(dir), 'ns/object', Buffer.alloc(1_000_000))
    host.run('mfssetquota', '-L', '1050000', dir)
    const { freeBytes, quota, problems }: Space = inHost('space')
    expect(quota).toEqual({ usedBytes: 1_000_000, limitBytes: 1_050_000 })
    expect(freeBytes).toBe(50_000)
    expect(problems).toContainEqual(expect.stringContaining(`The quota of ${dir} is nearly used up`))
    await expect(put(driverOn(dir), 'ns/more', Buffer.alloc(2_000_000))).rejects.toMatchObject({
      code: 'STORE_FULL',
    })
  })
})
