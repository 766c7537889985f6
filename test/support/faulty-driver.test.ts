import { describe, expect, it } from 'vitest'
import type { Driver } from '../../src/objects/driver.ts'
import { localDriver } from '../../src/objects/drivers/local.ts'
import { collect } from './collect.ts'
import { faultyDriver } from './faulty-driver.ts'
import { tempDir } from './temp-dir.ts'

const RUN = '0'.repeat(42)
const faulty = () => faultyDriver(localDriver(tempDir()))
const sizeOf = async (driver: Driver, name: string) => (await driver.stat(name))?.size

describe('injected faults', () => {
  it('fail the nth call, as often as requested', async () => {
    const driver = faulty()
    driver.fail('space').at(2).times(2)
    await driver.space()
    await expect(driver.space()).rejects.toThrow('Failed as ordered, at: space')
    await expect(driver.space()).rejects.toThrow('Failed as ordered')
    await driver.space()
    await driver.check()
    driver.assertAllHit()
  })

  it('count bytes of writes, and tear the failing write', async () => {
    const driver = faulty()
    driver.fail('write').after(100).with(new Error('torn'))
    const writer = await driver.create('object')
    await writer.write(Buffer.alloc(60))
    await writer.write(Buffer.alloc(40))
    await expect(writer.write(Buffer.alloc(10))).rejects.toThrow('torn')
    await writer.write(Buffer.alloc(10))
    await writer.commit()
    expect(await sizeOf(driver, 'object')).toBe(115)
    driver.assertAllHit()
  })

  it('let nothing happen after a crash', async () => {
    const dir = tempDir()
    const driver = faultyDriver(localDriver(dir))
    driver.crash('any').after(4)
    const other = await driver.createIn('tmp')
    const writer = await driver.create('object', { run: RUN })
    await writer.write(Buffer.alloc(10))
    await other.sync()
    expect(driver.isCrashed).toBe(false)
    await expect(writer.write(Buffer.alloc(10))).rejects.toThrow('Crashed as ordered')
    expect(driver.isCrashed).toBe(true)
    await expect(writer.write(Buffer.alloc(10))).rejects.toThrow('Crashed as ordered')
    await writer.abort()
    await expect(writer.commit()).rejects.toThrow('Crashed as ordered')
    await expect(other.commit('other')).rejects.toThrow('Crashed as ordered')
    await expect(driver.open('object')).rejects.toThrow('Crashed as ordered')
    await expect(collect(driver.names(''))).rejects.toThrow('Crashed as ordered')
    expect(await sizeOf(localDriver(dir), `object.part-${RUN}`)).toBe(15)
    for (const name of ['object', 'other']) expect(await sizeOf(localDriver(dir), name)).toBeUndefined()
    expect(driver.calls).toEqual([
      ...['createIn tmp', 'create object', 'write object', 'sync tmp', 'write object'],
    ])
  })

  it('fail a commit before it takes effect, and after', async () => {
    const driver = faulty()
    const writer = await driver.create('object')
    driver.fail('commit')
    await expect(writer.commit()).rejects.toThrow('at: commit')
    expect(await sizeOf(driver, 'object')).toBeUndefined()
    driver.fail('committed')
    await expect(writer.commit()).rejects.toThrow('at: committed')
    expect(await sizeOf(driver, 'object')).toBe(0)
    driver.assertAllHit()
  })

  it('affect readers and listings', async () => {
    const driver = faulty()
    await driver.replace('object', Buffer.from('x'))
    driver.fail('read')
    driver.fail('list')
    driver.fail('names')
    await using reader = await driver.open('object')
    await expect(reader.read(0, 1)).rejects.toThrow('at: read')
    await expect(collect(driver.list(''))).rejects.toThrow('at: list')
    await expect(collect(driver.names(''))).rejects.toThrow('at: names')
    expect((await reader.read(0, 1)).toString()).toBe('x')
  })

  it('are reported if they were never hit', async () => {
    const driver = faulty()
    driver.fail('commit')
    driver.fail('space')
    await expect(driver.space()).rejects.toThrow()
    expect(() => driver.assertAllHit()).toThrow('Faults that were never hit: commit')
  })
})
