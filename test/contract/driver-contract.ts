import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { BackupdError } from '../../src/lib/errors.ts'
import { release } from '../../src/lib/release.ts'
import type { Driver, ObjectName } from '../../src/objects/driver.ts'
import { isUnnamed, parseUnfinished } from '../../src/objects/unfinished.ts'
import { collect } from '../support/collect.ts'

/** Opens a driver over one place, as each run does in a process of its own. */
type OpenDriver = () => Promise<Driver> | Driver

/**
 * The exam every driver sits.
 * @param newPlace makes an empty store and returns what opens it
 * @param inOneProcess why its objects do not outlive the process: only a model for tests has such a reason
 */
export function driverContract(name: string, newPlace: () => OpenDriver, inOneProcess?: string): void {
  const open = () => newPlace()()
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

    it('returns memory that the reader may free, however it reads on', async () => {
      const driver = await open()
      const content = randomBytes(400_000)
      const writer = await driver.create('ns/object')
      await writer.write(content)
      await writer.commit()
      await using reader = await driver.open('ns/object')
      const parts: Buffer[] = []
      for (let at = 0; at < content.length; at += 50_000) parts.push(await reader.read(at, 50_000))
      for (const [n, part] of parts.entries()) {
        expect(part.equals(content.subarray(n * 50_000, (n + 1) * 50_000))).toBe(true)
        release(part)
      }
      expect((await reader.read(0, content.length)).equals(content)).toBe(true)
      expect((await reader.read(50_000, 50_000)).equals(content.subarray(50_000, 100_000))).toBe(true)
    })

    it('shows an object under its name when it is committed, not before', async () => {
      const driver = await open()
      const writer = await driver.create('ns/object')
      await writer.write(Buffer.from('hello'))
      expect(await driver.stat('ns/object')).toBeUndefined()
      expect(await writer.sync()).toBe(5)
      expect(await driver.stat('ns/object')).toBeUndefined()
      expect((await namesIn(driver, 'ns')).map((each) => parseUnfinished(each)?.name)).toEqual(['object'])
      await writer.commit()
      await writer.abort()
      expect(await namesIn(driver, 'ns')).toEqual(['object'])
      expect(await text(driver, 'ns/object')).toBe('hello')
    })

    it('commits an object of no bytes', async () => {
      const driver = await open()
      await put(driver, 'ns/empty')
      expect(await driver.stat('ns/empty')).toMatchObject({ kind: 'file', size: 0 })
    })

    it('commits under a name that is free, and under no other', async () => {
      const driver = await open()
      await put(driver, 'ns/object', 'first')
      const second = await driver.create('ns/object')
      await second.write(Buffer.from('other'))
      await expect(second.commit()).rejects.toMatchObject({ code: 'CONFLICT' })
      expect(await text(driver, 'ns/object')).toBe('first')
      await second.abort()
      expect(await namesIn(driver, 'ns')).toEqual(['object'])
    })

    it('finds its own object at the name if it commits again, as after an answer that was lost', async () => {
      const driver = await open()
      const writer = await driver.create('ns/object')
      await writer.write(Buffer.from('ours'))
      await writer.commit()
      await writer.commit()
      const unnamed = await driver.createIn('ns/tmp')
      await unnamed.write(Buffer.from('ours'))
      await unnamed.commit('ns/unnamed')
      await unnamed.commit('ns/unnamed')
      expect((await namesIn(driver, 'ns')).filter((each) => each !== 'tmp')).toEqual(['object', 'unnamed'])
      expect(await text(driver, 'ns/unnamed')).toBe('ours')
      await writer.abort()
      await unnamed.abort()
      expect(await text(driver, 'ns/object')).toBe('ours')
    })

    it('lets one of two that commit the same name at once win', async () => {
      const driver = await open()
      const made = await Promise.allSettled(['one', 'two'].map((each) => put(driver, 'ns/object', each)))
      expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      const winner = made[0]?.status === 'fulfilled' ? 'one' : 'two'
      expect(await text(driver, 'ns/object')).toBe(winner)
      expect(await namesIn(driver, 'ns')).toEqual(['object'])
    })

    it('leaves nothing of what is aborted, however far it got', async () => {
      const driver = await open()
      const [fresh, written, synced] = await Promise.all(
        ['a', 'b', 'c'].map((each) => driver.create(`ns/${each}`)),
      )
      await written?.write(Buffer.from('x'))
      await synced?.write(Buffer.from('x'))
      await synced?.sync()
      for (const writer of [fresh, written, synced]) {
        await writer?.abort()
        await writer?.abort()
      }
      expect(await namesIn(driver, 'ns')).toEqual([])
    })

    it('lists what a crash left under the id of its run, and discards it by that name', async () => {
      const driver = await open()
      const run = `1795425846${'a'.repeat(32)}`
      const crashed = await driver.create('ns/object', { run })
      await crashed.write(Buffer.from('half'))
      expect(await namesIn(driver, 'ns')).toEqual([`object.part-${run}`])
      await driver.remove(`ns/object.part-${run}`)
      expect(await namesIn(driver, 'ns')).toEqual([])
      await crashed.abort()
      await put(driver, 'ns/object', 'whole')
      expect(await text(driver, 'ns/object')).toBe('whole')
    })

    it('gives an object its name at its end, and lists it until then, if at all, as unnamed', async () => {
      const driver = await open()
      const writer = await driver.createIn('ns/tmp')
      await writer.write(Buffer.from('hello'))
      await writer.sync()
      expect((await namesIn(driver, 'ns/tmp')).filter((each) => !isUnnamed(each))).toEqual([])
      await writer.commit('ns/data/he/hello')
      expect(await text(driver, 'ns/data/he/hello')).toBe('hello')
      const again = await driver.createIn('ns/tmp')
      await expect(again.commit('ns/data/he/hello')).rejects.toMatchObject({ code: 'CONFLICT' })
      await again.abort()
      expect(await namesIn(driver, 'ns/tmp')).toEqual([])
      expect(await text(driver, 'ns/data/he/hello')).toBe('hello')
    })

    it('shows two drivers over one place the objects of each other', async ({ skip }) => {
      if (inOneProcess !== undefined) skip(inOneProcess)
      const openPlace = newPlace()
      const [one, other] = [await openPlace(), await openPlace()]
      await put(one, 'ns/object', 'hello')
      expect(await text(other, 'ns/object')).toBe('hello')
      await expect(put(other, 'ns/object', 'other')).rejects.toMatchObject({ code: 'CONFLICT' })
      const run = `1795425846${'c'.repeat(32)}`
      const crashed = await one.create('ns/crashed', { run })
      await crashed.write(Buffer.from('half'))
      expect(await namesIn(other, 'ns')).toEqual([`crashed.part-${run}`, 'object'])
      for (const name of [`crashed.part-${run}`, 'object']) await other.remove(`ns/${name}`)
      expect(await namesIn(one, 'ns')).toEqual([])
      await crashed.abort()
    })

    it('takes a name that looks unfinished for an object, if it is committed', async () => {
      const driver = await open()
      const name = `ns/object.part-${'b'.repeat(42)}`
      const writer = await driver.create(name)
      expect((await namesIn(driver, 'ns')).map((each) => parseUnfinished(each)?.name)).toEqual(['object'])
      await writer.commit()
      expect(await namesIn(driver, 'ns')).toEqual([name.slice(3)])
      await driver.remove(name)
      expect(await namesIn(driver, 'ns')).toEqual([])
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
        await expect(driver.update(bad, () => Buffer.alloc(1))).rejects.toMatchObject(refused)
        const unnamed = await driver.createIn('ns/tmp')
        await expect(unnamed.commit(bad)).rejects.toMatchObject(refused)
        await unnamed.abort()
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
    })

    it('stats files and folders', async () => {
      const driver = await open()
      await put(driver, 'ns/object', 'hello')
      expect(await driver.stat('ns/object')).toMatchObject({ name: 'ns/object', kind: 'file', size: 5 })
      expect(await driver.stat('ns')).toMatchObject({ name: 'ns', kind: 'folder' })
    })

    it('replaces a small object atomically and leaves nothing beside it', async () => {
      const driver = await open()
      await driver.replace('ns/small', Buffer.from('one, and longer'))
      await driver.replace('ns/small', Buffer.from('two'))
      expect(await text(driver, 'ns/small')).toBe('two')
      expect(await collect(driver.names('ns'))).toEqual([{ name: 'small', kind: 'file' }])
    })

    it('updates a small object by what it was', async () => {
      const driver = await open()
      await driver.update('ns/small', (before) => Buffer.from(`first, after ${before}`))
      await driver.update('ns/small', (before) => Buffer.from(`second, after ${before}`))
      expect(await text(driver, 'ns/small')).toBe('second, after first, after undefined')
      const refuse = () => {
        throw new RangeError('not this one')
      }
      await expect(driver.update('ns/small', refuse)).rejects.toThrow(RangeError)
      expect(await text(driver, 'ns/small')).toBe('second, after first, after undefined')
      expect(await namesIn(driver, 'ns')).toEqual(['small'])
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

    it('is healthy, says how durable it is, and reports its room if it has a limit', async () => {
      const driver = await open()
      await put(driver, 'ns/object', 'x')
      await driver.syncFolder?.('ns')
      await driver.check()
      expect(['synced', 'acknowledged']).toContain(driver.abilities.durability)
      const { freeBytes, totalBytes } = (await driver.space?.()) ?? { freeBytes: 1, totalBytes: 1 }
      expect(freeBytes).toBeGreaterThan(0)
      expect(totalBytes).toBeGreaterThanOrEqual(freeBytes)
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
  await writer.commit().finally(() => writer.abort())
}

async function namesIn(driver: Driver, folder: string): Promise<string[]> {
  return (await collect(driver.names(folder))).map(({ name }) => name).sort()
}

async function text(driver: Driver, name: string): Promise<string> {
  await using reader = await driver.open(name)
  return (await reader.read(0, reader.size)).toString()
}
