import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { BackupdError } from '../../src/lib/errors.ts'
import { readDamage } from '../../src/store/kinds/series/damage-note.ts'
import { given } from '../support/given.ts'
import { SERVER } from '../support/plugin-args.ts'
import { recordedEntity, writeRecordedMeta } from '../support/recorded-store.ts'

const MIB = 1 << 20
const NAME = 'shop-shop.web.web-1-data-db'

/** A volume with a small and a large file, and how to verify what was made of it. */
async function verifyingWorld() {
  const world = await given.app('shop').proc('web').volume('/data/db').plugins()
  writeFileSync(join(world.volume, 'small'), 'small')
  writeFileSync(join(world.volume, 'large'), randomBytes(3 * MIB))
  const warnings: string[] = []
  const verify = async (name: string, { namespace = SERVER, signal = new AbortController().signal } = {}) => {
    let read = 0
    await using backup = await world.store.find(namespace, name)
    if (!backup) throw new Error(`there is no ${name}`)
    const reader = { dataDir: world.dataDir, signal, warn: (message: string) => void warnings.push(message) }
    await backup.verify(reader, (bytes) => {
      read = bytes
    })
    return read
  }
  const corruptOf = async (name: string) => {
    await using backup = await world.store.find(SERVER, name)
    return backup?.info.corrupt
  }
  const fullBackup = async () => String((await world.backUp()).result.file)
  return { ...world, warnings, verify, corruptOf, fullBackup, namespace: join(world.storeDir, SERVER) }
}

function flipByte(path: string, at = 100): void {
  const content = readFileSync(path)
  content[at] = (content[at] ?? 0) ^ 1
  chmodSync(path, 0o600)
  writeFileSync(path, content)
}

test('an intact archive is read to its last byte, and nothing changes', async () => {
  const { verify, fullBackup, corruptOf, namespace, warnings } = await verifyingWorld()
  const name = await fullBackup()
  const before = readdirSync(namespace)
  expect(await verify(name)).toBe(statSync(join(namespace, name)).size)
  expect(await corruptOf(name)).toBeNull()
  expect(readdirSync(namespace)).toEqual(before)
  expect(warnings).toEqual([])
})

test.each([
  ['first', () => 100],
  ['middle', (size: number) => size >> 1],
  ['last', (size: number) => size - 1],
])('a flipped bit in the %s part of an archive is found, and noted in the store', async (_, at) => {
  const { verify, fullBackup, corruptOf, namespace } = await verifyingWorld()
  const name = await fullBackup()
  const path = join(namespace, name)
  flipByte(path, at(statSync(path).size))
  await expect(verify(name)).rejects.toMatchObject({ code: 'ARCHIVE_CORRUPT' })
  expect(await corruptOf(name)).toMatch(/The archive is damaged/)
})

test('a truncated archive is found without reading it', async () => {
  const { verify, fullBackup, namespace } = await verifyingWorld()
  const name = await fullBackup()
  truncateSync(join(namespace, name), 1000)
  await expect(verify(name)).rejects.toMatchObject({ code: 'ARCHIVE_CORRUPT', facts: { size: 1000 } })
})

test('an archive without a manifest is checked by its own checksums', async () => {
  const { verify, fullBackup, namespace } = await verifyingWorld()
  const name = await fullBackup()
  const path = join(namespace, name)
  rmSync(`${path}.manifest.json`)
  expect(await verify(name)).toBe(statSync(path).size)
  flipByte(path, statSync(path).size >> 1)
  await expect(verify(name)).rejects.toMatchObject({ code: 'ARCHIVE_CORRUPT' })
})

test('an aborted verification of an archive marks nothing', async () => {
  const { verify, fullBackup, corruptOf } = await verifyingWorld()
  const name = await fullBackup()
  const reason = new Error('enough')
  await expect(verify(name, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  expect(await corruptOf(name)).toBeNull()
})

test('an intact series is read completely', async () => {
  const { verify, backUp, corruptOf, warnings } = await verifyingWorld()
  await backUp({ mode: 'increment' })
  expect(await verify(NAME)).toBeGreaterThan(3 * MIB)
  expect(await corruptOf(NAME)).toBeNull()
  expect(warnings).toEqual([])
})

test('a damaged pack marks the snapshots that lack something, with the paths', async () => {
  const { verify, backUp, corruptOf, namespace, store, warnings } = await verifyingWorld()
  await backUp({ mode: 'increment' })
  const pack = largestPack(namespace)
  flipByte(pack)
  await expect(verify(NAME)).rejects.toMatchObject({
    code: 'SNAPSHOT_CORRUPT',
    message: expect.stringContaining('such as "large"'),
    facts: { count: 1, files: ['large'] },
  })
  expect(warnings).toEqual([expect.stringMatching(/^the pack [0-9a-f]{64} is damaged: /)])
  expect(await corruptOf(NAME)).toContain('"large"')
  expect(Object.keys((await readDamage(store.driver, SERVER)).packs)).toEqual([basename(pack)])
})

test('a missing pack marks the snapshots that lack something', async () => {
  const { verify, backUp, namespace } = await verifyingWorld()
  await backUp({ mode: 'increment' })
  rmSync(largestPack(namespace))
  await expect(verify(NAME)).rejects.toMatchObject({
    code: 'SNAPSHOT_CORRUPT',
    facts: { files: ['large', 'small'] },
  })
})

test('damage that is found without a lock is reported but not noted, because a prune may be under way', async () => {
  const { verify, corruptOf, backUp, namespace, store } = await verifyingWorld()
  await backUp({ mode: 'increment' })
  const data = join(namespace, 'repo/data')
  const packs = readdirSync(data, { recursive: true, encoding: 'utf8' }).filter((name) => name.length > 60)
  for (const pack of packs) rmSync(join(data, pack))
  const { createIn } = store.driver
  store.driver.createIn = () =>
    Promise.reject(new BackupdError('STORE_UNAVAILABLE', 'read-only', { facts: { errno: 'EROFS' } }))
  await expect(verify(NAME)).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' })
  store.driver.createIn = createIn
  expect(await readDamage(store.driver, SERVER)).toEqual({ packs: {}, snapshots: {} })
  expect(await corruptOf(NAME)).toBeNull()
})

test('damage in another series does not mark this one', async () => {
  const { verify, backUp, parent, namespace } = await verifyingWorld()
  await backUp({ mode: 'increment' })
  const other = join(parent, 'other')
  mkdirSync(other)
  writeFileSync(join(other, 'huge'), randomBytes(5 * MIB))
  await backUp({
    mode: 'increment',
    path: other,
    volume: '/data/other',
    archive: 'shop-shop.web.web-1-data-other',
  })
  flipByte(largestPack(namespace))
  expect(await verify(NAME)).toBeGreaterThan(3 * MIB)
  await expect(verify('shop-shop.web.web-1-data-other')).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' })
})

test('a mirror cannot be verified: that is reported, and it does not count as good', async () => {
  const { verify, namespace } = await verifyingWorld()
  const name = 'hello-hello.web.web-1-data'
  const source = '/data/lain/volumes/hello/hello.web.web/1/data'
  mkdirSync(join(namespace, name))
  writeRecordedMeta(namespace, [recordedEntity({ name, source, mode: 'increment' })])
  await expect(verify(name)).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringContaining('no checksums'),
  })
})

function largestPack(namespace: string): string {
  const files = readdirSync(join(namespace, 'repo', 'data'), { recursive: true, withFileTypes: true })
  const packs = files.filter((file) => file.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  return packs.toSorted((a, b) => statSync(b).size - statSync(a).size)[0] ?? ''
}
