import { describe, expect, it } from 'vitest'
import { BackupdError } from '../../src/lib/errors.ts'
import type { Driver, ObjectName } from '../../src/objects/driver.ts'
import { collect } from '../support/collect.ts'

/** The exam every driver sits. `open` makes a driver over an empty store. */
export function driverContract(name: string, open: () => Promise<Driver> | Driver): void {
  describe(`driver contract: ${name}`, () => {
    it('returns what was written, in any range', async () => {
      const driver = await open()
      await put(driver, 'ns/object', 'hello', ' world')
      await using reader = await driver.open('ns/object')
      expect(reader.size).toBe(11)
      expect(`${await reader.read(6, 5)}`).toBe('world')
      expect(`${await reader.read(6, 500)}`).toBe('world')
      expect((await reader.read(11, 5)).length).toBe(0)
    })

    it('refuses to create an existing object', async () => {
      const driver = await open()
      await put(driver, 'ns/object', 'first')
      await expect(driver.create('ns/object')).rejects.toMatchObject({ code: 'CONFLICT' })
      expect(await text(driver, 'ns/object')).toBe('first')
    })

    it.each(['', '/', '/etc/passwd', '../x', 'ns/../../x', 'ns//x', './x', 'ns/x\0y', 'ns/'])(
      'refuses the name %j in every call',
      async (bad) => {
        const driver = await open()
        const refused = { code: 'BAD_INPUT' }
        await expect(driver.create(bad)).rejects.toMatchObject(refused)
        await expect(driver.open(bad)).rejects.toMatchObject(refused)
        await expect(driver.stat(bad)).rejects.toMatchObject(refused)
        await expect(driver.remove(bad)).rejects.toMatchObject(refused)
        await expect(driver.replace(bad, Buffer.alloc(1))).rejects.toMatchObject(refused)
        await expect(driver.rename(bad, 'ns/x')).rejects.toMatchObject(refused)
        await put(driver, 'ns/y', 'y')
        await expect(driver.rename('ns/y', bad)).rejects.toMatchObject(refused)
        await expect(driver.publish('ns/y', bad)).rejects.toMatchObject(refused)
        await expect(driver.lock(bad)).rejects.toMatchObject(refused)
      },
    )

    it('reports a missing object', async () => {
      const driver = await open()
      expect(await driver.stat('ns/none')).toBeUndefined()
      await driver.remove('ns/none')
      const error = await driver.open('ns/none').catch((caught: unknown) => caught)
      expect(error).toBeInstanceOf(BackupdError)
      expect(error).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('ns/none') })
      await expect(driver.rename('ns/none', 'ns/x')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })

    it('stats files and folders', async () => {
      const driver = await open()
      await put(driver, 'ns/object', 'hello')
      expect(await driver.stat('ns/object')).toMatchObject({ name: 'ns/object', kind: 'file', size: 5 })
      expect(await driver.stat('ns')).toMatchObject({ name: 'ns', kind: 'folder' })
    })

    it('renames over an existing object', async () => {
      const driver = await open()
      await put(driver, 'ns/a', 'new')
      await put(driver, 'ns/b', 'old')
      await driver.rename('ns/a', 'ns/b')
      expect(await text(driver, 'ns/b')).toBe('new')
      expect(await driver.stat('ns/a')).toBeUndefined()
    })

    it('publishes only under a free name', async () => {
      const driver = await open()
      await put(driver, 'ns/a', 'new')
      await driver.publish('ns/a', 'ns/b')
      expect(await text(driver, 'ns/b')).toBe('new')
      expect(await driver.stat('ns/a')).toBeUndefined()
      await put(driver, 'ns/a', 'newer')
      await expect(driver.publish('ns/a', 'ns/b')).rejects.toMatchObject({ code: 'CONFLICT' })
      expect([await text(driver, 'ns/a'), await text(driver, 'ns/b')]).toEqual(['newer', 'new'])
      await expect(driver.publish('ns/none', 'ns/c')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })

    it('replaces a small object atomically and leaves nothing beside it', async () => {
      const driver = await open()
      await driver.replace('ns/small', Buffer.from('one, and longer'))
      await driver.replace('ns/small', Buffer.from('two'))
      expect(await text(driver, 'ns/small')).toBe('two')
      expect(await collect(driver.names('ns'))).toEqual([{ name: 'small', kind: 'file' }])
    })

    it('removes objects', async () => {
      const driver = await open()
      await put(driver, 'ns/object', 'x')
      await driver.remove('ns/object')
      expect(await driver.stat('ns/object')).toBeUndefined()
    })

    it('lists the direct entries of a folder, with sizes and without', async () => {
      const driver = await open()
      for (let n = 0; n < 100; n++) await put(driver, `ns/object-${n}`, 'x'.repeat(n))
      await put(driver, 'ns/deeper/object', 'x')
      const listed = await collect(driver.list('ns'))
      expect(listed.length).toBe(101)
      expect(listed.find(({ name }) => name === 'object-42')).toMatchObject({ kind: 'file', size: 42 })
      const plain = ({ name, kind }: ObjectName) => `${kind} ${name}`
      const names = await collect(driver.names('ns'))
      expect(names.map(plain).sort()).toEqual(listed.map(plain).sort())
      expect(names.map(plain)).toContain('folder deeper')
    })

    it('lists nothing for a missing folder', async () => {
      const driver = await open()
      expect(await collect(driver.list('none'))).toEqual([])
      expect(await collect(driver.names('none'))).toEqual([])
    })

    it('accepts any plain name', async () => {
      const driver = await open()
      for (const odd of ['a b', '-rf', 'new\nline', '"quote"', 'ümläut', '..a', '$(x)']) {
        await put(driver, `ns/${odd}`, odd)
        expect(await text(driver, `ns/${odd}`)).toBe(odd)
      }
    })

    it('syncs files and folders, reports its room, and is healthy', async () => {
      const driver = await open()
      await put(driver, 'ns/object', 'x')
      await driver.syncFolder('ns')
      await driver.check()
      const { freeBytes, totalBytes } = await driver.space()
      expect(freeBytes).toBeGreaterThan(0)
      expect(totalBytes).toBeGreaterThanOrEqual(freeBytes)
      expect(['synced', 'acknowledged']).toContain(driver.abilities.durability)
    })

    it('lets one holder at a time have a lock', async () => {
      const driver = await open()
      let inside = 0
      let most = 0
      const visit = async () => {
        await using _lock = await driver.lock('ns/.lock')
        most = Math.max(most, ++inside)
        await driver.replace('ns/count', Buffer.from(`${Number(await text(driver, 'ns/count')) + 1}`))
        inside--
      }
      await driver.replace('ns/count', Buffer.from('0'))
      await Promise.all(Array.from({ length: 8 }, visit))
      expect(most).toBe(1)
      expect(await text(driver, 'ns/count')).toBe('8')
    })
  })
}

async function put(driver: Driver, name: string, ...chunks: string[]): Promise<void> {
  const writer = await driver.create(name)
  for (const chunk of chunks) await writer.write(Buffer.from(chunk))
  await writer.sync()
  await writer.close()
}

async function text(driver: Driver, name: string): Promise<string> {
  await using reader = await driver.open(name)
  return (await reader.read(0, reader.size)).toString()
}
