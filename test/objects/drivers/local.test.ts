import { mkdirSync, readdirSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { localDriver } from '../../../src/objects/drivers/local.ts'
import { createSmall } from '../../../src/objects/small-objects.ts'
import { collect } from '../../support/collect.ts'
import { recordDisk } from '../../support/recorded-disk.ts'
import { itMounts, smallFileSystem } from '../../support/small-file-system.ts'
import { lockInChild } from '../../support/store-child.ts'
import { tempDir } from '../../support/temp-dir.ts'

describe('the local driver', () => {
  it('keeps its files private to its user', async () => {
    const dir = tempDir()
    const driver = localDriver(dir)
    await createSmall(driver, 'ns/object', Buffer.from('x'))
    await driver.replace('ns/small', Buffer.from('x'))
    await using _lock = await driver.lock('ns/.lock')
    expect(statSync(join(dir, 'ns')).mode & 0o777).toBe(0o700)
    for (const name of ['object', 'small', '.lock'])
      expect(statSync(join(dir, 'ns', name)).mode & 0o777).toBe(0o600)
  })

  it('has the content of a replaced object on disk before it gets its name', async () => {
    const dir = tempDir()
    const { steps } = await recordDisk(dir)
    await localDriver(dir).replace('ns/small', Buffer.from('x'))
    expect(steps.map((step) => step.replaceAll(/part-[0-9a-f]{42}/g, 'PART'))).toEqual([
      'writeFile ns/small.PART',
      'sync ns/small.PART',
      'move ns/small.PART ns/small',
      'sync ns',
    ])
  })

  it('has the content of a new object on disk before it has its name, and the name when it is committed', async () => {
    const dir = tempDir()
    const writer = await localDriver(dir).create('ns/object')
    await writer.write(Buffer.from('x'))
    const { steps } = await recordDisk(dir)
    const known = () => steps.map((step) => step.replaceAll(/part-[0-9a-f]{42}/g, 'PART'))
    await writer.sync()
    expect(known()).toEqual(['sync ns/object.PART'])
    await writer.commit()
    expect(known().slice(1)).toEqual(['link ns/object.PART ns/object', 'sync ns'])
    expect(readdirSync(join(dir, 'ns'))).toEqual(['object'])
  })

  it('has the folders above a new object on disk', async () => {
    const dir = tempDir()
    mkdirSync(join(dir, 'store'))
    const { steps } = await recordDisk(dir)
    const writer = await localDriver(join(dir, 'store')).create('a/b/object')
    onTestFinished(() => writer.abort())
    expect(steps).toEqual(['sync store', 'sync store/a'])
  })

  it('locks a file again after a failed attempt', async () => {
    const dir = tempDir()
    const driver = localDriver(dir)
    mkdirSync(join(dir, 'ns'))
    symlinkSync('elsewhere', join(dir, 'ns/.lock'))
    await expect(driver.lock('ns/.lock')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    unlinkSync(join(dir, 'ns/.lock'))
    await using _lock = await driver.lock('ns/.lock')
  })

  it('follows no symbolic link out of the store', async () => {
    const outside = tempDir()
    writeFileSync(join(outside, 'secret'), 'secret')
    const dir = tempDir()
    symlinkSync(outside, join(dir, 'ns'))
    const driver = localDriver(dir)
    const refused = { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('leads out of the store') }
    await expect(driver.open('ns/secret')).rejects.toMatchObject(refused)
    await expect(driver.create('ns/new')).rejects.toMatchObject(refused)
    await expect(driver.create('ns/deeper/new')).rejects.toMatchObject(refused)
    await expect(driver.replace('ns/secret', Buffer.from('x'))).rejects.toMatchObject(refused)
    await expect(driver.remove('ns/secret')).rejects.toMatchObject(refused)
    await expect(driver.lock('ns/.lock')).rejects.toMatchObject(refused)
    await expect(collect(driver.list('ns'))).rejects.toMatchObject(refused)
    expect(readdirSync(outside)).toEqual(['secret'])
  })

  it('opens no link, fifo or folder as an object, and creates nothing through a link', async () => {
    const dir = tempDir()
    mkdirSync(join(dir, 'ns/folder'), { recursive: true })
    symlinkSync('/etc/passwd', join(dir, 'ns/link'))
    symlinkSync(join(dir, 'made'), join(dir, 'ns/dangling'))
    const driver = localDriver(dir)
    await expect(driver.open('ns/link')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await expect(driver.open('ns/folder')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await expect(createSmall(driver, 'ns/dangling', Buffer.from('x'))).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    expect(await driver.stat('ns/link')).toMatchObject({ kind: 'other' })
    expect(readdirSync(dir)).toEqual(['ns'])
  })

  it('may be reached through a link', async () => {
    const dir = tempDir()
    const link = join(tempDir(), 'store')
    symlinkSync(dir, link)
    await localDriver(link).replace('ns/small', Buffer.from('x'))
    expect(readdirSync(join(dir, 'ns'))).toEqual(['small'])
  })

  it('says that the store is missing, not an object', async () => {
    const driver = localDriver(join(tempDir(), 'gone'))
    const gone = {
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('Mount it, or create the directory'),
    }
    await expect(driver.check()).rejects.toMatchObject(gone)
    await expect(driver.open('ns/object')).rejects.toMatchObject(gone)
    await expect(driver.stat('ns/object')).rejects.toMatchObject(gone)
    await expect(driver.create('ns/object')).rejects.toMatchObject(gone)
    await expect(driver.remove('ns/object')).rejects.toMatchObject(gone)
    await expect(driver.space()).rejects.toMatchObject(gone)
    await expect(collect(driver.names('ns'))).rejects.toMatchObject(gone)
  })

  it('says that a file is in place of a folder', async () => {
    const dir = tempDir()
    writeFileSync(join(dir, 'ns'), '')
    const driver = localDriver(dir)
    const broken = { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('not a directory') }
    await expect(driver.create('ns/object')).rejects.toMatchObject(broken)
    await expect(collect(driver.names('ns'))).rejects.toMatchObject(broken)
    await expect(localDriver(join(dir, 'ns')).check()).rejects.toMatchObject(broken)
  })

  it('says that a name is too long', async () => {
    const driver = localDriver(tempDir())
    await expect(driver.create('x'.repeat(256))).rejects.toMatchObject({ code: 'BAD_INPUT' })
    await expect(driver.stat('x'.repeat(256))).rejects.toMatchObject({ code: 'BAD_INPUT' })
  })

  it('releases a lock when the process that holds it is killed', async () => {
    const dir = tempDir()
    const driver = localDriver(dir)
    const child = await lockInChild(dir, 'ns/.lock')
    let isOurs = false
    const ours = driver.lock('ns/.lock').finally(() => {
      isOurs = true
    })
    for (let n = 0; n < 50; n++) await driver.check()
    expect(isOurs).toBe(false)
    child.kill('SIGKILL')
    await using _lock = await ours
  })

  itMounts('says that the store is full and what to do, and goes on when there is room again', async () => {
    const { dir } = smallFileSystem(256)
    const driver = localDriver(dir)
    const writer = await driver.create('ns/object')
    const full = {
      code: 'STORE_FULL',
      message: expect.stringMatching(
        /Cannot write "ns\/object" in the store .*: the store is full. Free room/,
      ),
    }
    await expect(writer.write(Buffer.alloc(512 * 1024))).rejects.toMatchObject(full)
    await driver.check()
    expect(await driver.space()).toMatchObject({
      freeBytes: 0,
      totalBytes: 256 * 1024,
      problems: ['The store has 0 bytes of 256.0 KiB left'],
    })
    await expect(driver.replace('ns/small', Buffer.alloc(8192))).rejects.toMatchObject({
      code: 'STORE_FULL',
    })
    expect(readdirSync(join(dir, 'ns'))).toEqual([expect.stringMatching(/^object\.part-/)])
    await writer.abort()
    await driver.replace('ns/small', Buffer.alloc(8192))
  })

  itMounts('says that the store is read-only, and still reads', async () => {
    const { dir, remount } = smallFileSystem(256)
    const driver = localDriver(dir)
    await driver.replace('ns/small', Buffer.from('x'))
    remount('ro')
    const readOnly = { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('it is read-only') }
    await expect(driver.check()).rejects.toMatchObject(readOnly)
    await expect(driver.create('ns/object')).rejects.toMatchObject(readOnly)
    await expect(driver.replace('ns/small', Buffer.from('y'))).rejects.toMatchObject(readOnly)
    await expect(driver.remove('ns/small')).rejects.toMatchObject(readOnly)
    await expect(driver.lock('ns/.lock')).rejects.toMatchObject(readOnly)
    await using reader = await driver.open('ns/small')
    expect((await reader.read(0, 10)).toString()).toBe('x')
  })
})
