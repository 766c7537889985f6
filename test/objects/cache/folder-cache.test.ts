import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FolderCache } from '../../../src/objects/cache/folder-cache.ts'
import type { ContentCache } from '../../../src/objects/driver.ts'
import { tempDir } from '../../support/temp-dir.ts'

const MAX_BYTES = 200_000
const BYTES = 10_000

const idOf = (content: Buffer) => createHash('sha256').update(content).digest('hex')

function openCache(folder = join(tempDir(), 'cache')) {
  const warnings: string[] = []
  const warn = (message: string) => void warnings.push(message)
  return { folder, warnings, cache: new FolderCache({ folder, maxBytes: MAX_BYTES, warn }) }
}

async function readCopy(cache: ContentCache, id: string): Promise<Buffer | undefined> {
  const copy = await cache.open(id)
  if (!copy) return undefined
  await using _closed = copy
  return await copy.read(0, copy.size)
}

/** All copies, and what is unfinished. */
function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
}

function ageFile(path: string, ms: number): void {
  const then = new Date(Date.now() - ms)
  utimesSync(path, then, then)
}

test('a copy comes back, whole and in ranges, to every process', async () => {
  const { cache, folder, warnings } = openCache()
  const content = randomBytes(BYTES)
  await cache.put(idOf(content), [content.subarray(0, 7), content.subarray(7)])
  expect(await readCopy(openCache(folder).cache, idOf(content))).toEqual(content)
  await using copy = await cache.open(idOf(content))
  expect(await copy?.read(5, 10)).toEqual(content.subarray(5, 15))
  expect(await copy?.read(BYTES - 3, 10)).toEqual(content.subarray(-3))
  expect(await copy?.read(BYTES + 1, 10)).toEqual(Buffer.alloc(0))
  expect(warnings).toEqual([])
})

test('content that does not have the id is not kept', async () => {
  const { cache, folder } = openCache()
  const id = idOf(Buffer.from('something else'))
  await cache.put(id, [randomBytes(10)])
  expect(await cache.open(id)).toBeUndefined()
  expect(listFiles(folder)).toEqual([])
})

test('nothing is left if the content cannot be read', async () => {
  const { cache, folder } = openCache()
  const failing = (async function* () {
    yield randomBytes(10)
    throw new Error('the store is away')
  })()
  await expect(cache.put('00'.repeat(32), failing)).rejects.toThrow('the store is away')
  expect(listFiles(folder)).toEqual([])
})

test('copies that were not used for longest go first, and all stay within the limit', async () => {
  const { cache, folder } = openCache()
  const contents = Array.from({ length: 40 }, () => randomBytes(BYTES))
  const pathOf = (content: Buffer) => join(folder, idOf(content).slice(0, 2), idOf(content))
  const [used = Buffer.alloc(0)] = contents
  for (const [at, content] of contents.entries()) {
    await cache.put(idOf(content), [content])
    if (existsSync(pathOf(content))) ageFile(pathOf(content), (100 - at) * 3_600_000)
    await readCopy(cache, idOf(used))
    const bytes = listFiles(folder).length * BYTES
    expect(bytes).toBeLessThanOrEqual(MAX_BYTES * (1 + 1 / 16) + BYTES)
  }
  expect(await readCopy(cache, idOf(used))).toEqual(used)
  expect(existsSync(pathOf(contents[1] ?? used))).toBe(false)
  expect(existsSync(pathOf(contents[39] ?? used))).toBe(true)
})

test('what a killed process left is removed after an hour', async () => {
  const { cache, folder } = openCache()
  mkdirSync(folder)
  for (const name of ['new-left-long-ago', 'new-being-written']) writeFileSync(join(folder, name), 'half')
  ageFile(join(folder, 'new-left-long-ago'), 2 * 3_600_000)
  const content = randomBytes(BYTES)
  await cache.put(idOf(content), [content])
  expect(listFiles(folder).sort()).toEqual([idOf(content), 'new-being-written'].sort())
})

test('the folder may be deleted at any time', async () => {
  const { cache, folder, warnings } = openCache()
  const content = randomBytes(BYTES)
  await cache.put(idOf(content), [content])
  await using copy = await cache.open(idOf(content))
  rmSync(folder, { recursive: true })
  expect(await copy?.read(0, BYTES)).toEqual(content)
  expect(await cache.open(idOf(content))).toBeUndefined()
  await cache.drop(idOf(content))
  const deleting = (function* () {
    yield content.subarray(0, 100)
    rmSync(folder, { recursive: true })
    yield content.subarray(100)
  })()
  await cache.put(idOf(content), deleting)
  await cache.put(idOf(content), [content])
  expect(await readCopy(cache, idOf(content))).toEqual(content)
  expect(warnings).toEqual([])
})

test('many that keep and remove the same copies at once read only whole ones', async () => {
  const folder = join(tempDir(), 'cache')
  const contents = Array.from({ length: 30 }, () => randomBytes(BYTES))
  const work = async () => {
    const { cache, warnings } = openCache(folder)
    for (const content of contents) {
      await cache.put(idOf(content), [content])
      const copy = await readCopy(cache, idOf(content))
      if (copy) expect(copy).toEqual(content)
    }
    expect(warnings).toEqual([])
  }
  await Promise.all([work(), work(), work(), work()])
  expect(listFiles(folder).filter((name) => name.startsWith('new-'))).toEqual([])
})

test('a folder that cannot be used is one warning, no error, and nothing is read for it', async () => {
  const folder = join(tempDir(), 'cache')
  writeFileSync(folder, 'a file')
  const { cache, warnings } = openCache(folder)
  const content = randomBytes(BYTES)
  let isRead = false
  const stored = (function* () {
    isRead = true
    yield content
  })()
  await cache.put(idOf(content), stored)
  expect(isRead).toBe(false)
  expect(await cache.open(idOf(content))).toBeUndefined()
  expect(warnings).toEqual([expect.stringMatching(/^The cache ".*" cannot be used, so more is read from/)])
  expect(readFileSync(folder, 'utf8')).toBe('a file')
})

test('a name that leads out of the folder is no id', async () => {
  const { cache, folder } = openCache()
  const outside = join(folder, '..', 'file')
  writeFileSync(outside, 'of somebody else')
  for (const id of ['../file', '../../file', `../${'0'.repeat(61)}`, '', 'A'.repeat(64)]) {
    await expect(cache.open(id)).rejects.toThrow('is not an id')
    await expect(cache.drop(id)).rejects.toThrow('is not an id')
    await expect(cache.put(id, [Buffer.from('x')])).rejects.toThrow('is not an id')
  }
  expect(readFileSync(outside, 'utf8')).toBe('of somebody else')
})
