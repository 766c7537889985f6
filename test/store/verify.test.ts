import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { BackupdError } from '../../src/lib/errors.ts'
import type { ObjectReader } from '../../src/objects/driver.ts'
import { readDamage } from '../../src/store/kinds/series/damage-note.ts'
import { readPass } from '../../src/store/kinds/series/proof-note.ts'
import { SERVER } from '../support/plugin-args.ts'
import { recordedEntity, writeRecordedMeta } from '../support/recorded-store.ts'
import {
  filesIn,
  flipByte,
  largestPack,
  lastBytes,
  MIB,
  NAME,
  RID,
  type VerifyingWorld,
  verifyingWorld,
} from '../support/verifying-world.ts'

/** Changes what the first read of each object of `names` returns. */
function misread({ store }: VerifyingWorld, names: RegExp): void {
  const { open } = store.driver
  const met = new Set<string>()
  store.driver.open = async (name) => {
    const reader = await open.call(store.driver, name)
    const read: ObjectReader['read'] = async (position, length) => {
      const bytes = await reader.read(position, length)
      if (names.test(name) && !met.has(name)) bytes[0] = (bytes[0] ?? 0) ^ 1
      met.add(name)
      return bytes
    }
    const close = () => reader.close()
    return { size: reader.size, read, close, [Symbol.asyncDispose]: close }
  }
}

test('an intact archive is read to its last byte, and the proof lies in its manifest', async () => {
  const { verify, fullBackup, infoOf, namespace, warnings } = await verifyingWorld()
  const name = await fullBackup()
  const before = readdirSync(namespace)
  const { size } = statSync(join(namespace, name))
  const read = lastBytes()
  const verdict = await verify(name, { onBytes: read.note })
  expect(verdict).toEqual({
    outcome: 'verified',
    result: { method: 'hash', share: 1, bytes: size, problems: [] },
  })
  expect(read.bytes).toBe(size)
  const proof = { at: expect.any(String), rid: RID, method: 'hash', share: 1 }
  const info = await infoOf(name)
  expect(info).toMatchObject({ proof, corrupt: null })
  expect(info.verified).toBe(info.proof?.at)
  expect(readdirSync(namespace)).toEqual(before)
  expect(warnings).toEqual([])
})

test.each([
  ['first', () => 100],
  ['middle', (size: number) => size >> 1],
  ['last', (size: number) => size - 20],
])('a flipped bit in the %s part of an archive is found, and marks it', async (_, at) => {
  const { verify, fullBackup, infoOf, namespace } = await verifyingWorld()
  const name = await fullBackup()
  await verify(name)
  const path = join(namespace, name)
  flipByte(path, at(statSync(path).size))
  expect(await verify(name)).toMatchObject({ outcome: 'corrupt', error: { code: 'ARCHIVE_CORRUPT' } })
  const info = await infoOf(name)
  expect(info.corrupt).toMatch(/The archive is damaged/)
  expect(info).toMatchObject({ verified: null })
  expect(info.proof).toBeUndefined()
})

test('the files whose content is lost are named', async () => {
  const { verify, fullBackup, namespace } = await verifyingWorld()
  const name = await fullBackup()
  const path = join(namespace, name)
  flipByte(path, statSync(path).size >> 1)
  expect(await verify(name)).toMatchObject({
    outcome: 'corrupt',
    error: {
      message: expect.stringContaining('The content of 1 paths is lost, such as "sub/large"'),
      facts: { count: 1, files: ['sub/large'] },
    },
  })
})

test('an archive that differs only where no content is says so, and is corrupt all the same', async () => {
  const { verify, fullBackup, infoOf, namespace } = await verifyingWorld()
  const name = await fullBackup()
  // The time in the gzip header.
  flipByte(join(namespace, name), 5)
  const verdict = await verify(name)
  expect(verdict).toMatchObject({ outcome: 'corrupt', error: { facts: { count: 0, files: [] } } })
  expect((await infoOf(name)).corrupt).toContain('No file is affected')
})

test('an archive that is whole again after it was restored from a copy counts again', async () => {
  const { verify, fullBackup, infoOf, namespace, warnings } = await verifyingWorld()
  const name = await fullBackup()
  flipByte(join(namespace, name))
  await verify(name)
  flipByte(join(namespace, name))
  expect(await verify(name)).toMatchObject({ outcome: 'verified' })
  expect(await infoOf(name)).toMatchObject({ corrupt: null, proof: { rid: RID } })
  expect(warnings).toEqual([expect.stringMatching(/^it was marked as corrupt .*, and is intact now$/)])
})

test('a truncated archive is found without reading it', async () => {
  const { verify, fullBackup, namespace } = await verifyingWorld()
  const name = await fullBackup()
  truncateSync(join(namespace, name), 1000)
  expect(await verify(name)).toMatchObject({
    outcome: 'corrupt',
    error: { code: 'ARCHIVE_CORRUPT', facts: { size: 1000 } },
  })
})

test('a missing archive is corrupt', async () => {
  const { verify, fullBackup, namespace } = await verifyingWorld()
  const name = await fullBackup()
  rmSync(join(namespace, name))
  expect(await verify(name)).toMatchObject({ outcome: 'corrupt', error: { code: 'ARCHIVE_CORRUPT' } })
})

test('an archive without a manifest is checked by its own checksums, which prove nothing', async () => {
  const { verify, fullBackup, infoOf, namespace } = await verifyingWorld()
  const name = await fullBackup()
  const path = join(namespace, name)
  rmSync(`${path}.manifest.json`)
  expect(await verify(name)).toMatchObject({ outcome: 'verified', result: { method: 'structure' } })
  expect(await infoOf(name)).toMatchObject({ verified: null })
  flipByte(path, statSync(path).size >> 1)
  expect(await verify(name)).toMatchObject({ outcome: 'corrupt' })
})

test.each([
  ['changed', (path: string) => flipByte(path, 200)],
  ['missing', (path: string) => rmSync(path)],
])('an index that is %s is reported, and no file is lost', async (_, damage) => {
  const { verify, fullBackup, infoOf, namespace } = await verifyingWorld()
  const name = await fullBackup()
  damage(join(namespace, `${name}.index.gz`))
  expect(await verify(name)).toMatchObject({
    outcome: 'verified',
    result: { problems: [expect.stringMatching(/^the index of the archive is damaged: .*No file is lost/)] },
  })
  expect(await infoOf(name)).toMatchObject({ corrupt: null, proof: { rid: RID } })
})

test('a flipped byte of a manifest is found wherever it is, or changes nothing', async () => {
  const { verify, fullBackup, infoOf, namespace } = await verifyingWorld()
  const name = await fullBackup()
  const path = join(namespace, `${name}.manifest.json`)
  const intact = readFileSync(path)
  const before = await infoOf(name)
  for (let at = 3; at < intact.length; at += 97) {
    flipByte(path, at)
    const info = await infoOf(name)
    const verdict = await verify(name)
    const isFound = verdict.outcome !== 'verified' || verdict.result.problems.length > 0
    if (!isFound) expect({ at, info }).toEqual({ at, info: before })
    writeFileSync(path, intact)
  }
})

test('a manifest that was changed is reported, and not hidden by a new proof', async () => {
  const { verify, fullBackup, infoOf, namespace } = await verifyingWorld()
  const name = await fullBackup()
  const path = join(namespace, `${name}.manifest.json`)
  writeFileSync(path, readFileSync(path, 'utf8').replace('"files": ', '"files": 1'))
  for (let time = 0; time < 2; time++)
    expect(await verify(name)).toMatchObject({
      outcome: 'verified',
      result: { problems: [expect.stringMatching(/^the manifest was changed after backupd wrote it/)] },
    })
  expect(await infoOf(name)).toMatchObject({ corrupt: null, verified: null })
})

test('a manifest that cannot be read is corrupt, and it is said that the archive can', async () => {
  const { verify, fullBackup, namespace } = await verifyingWorld()
  const name = await fullBackup()
  const path = join(namespace, `${name}.manifest.json`)
  writeFileSync(path, readFileSync(path, 'utf8').slice(0, 100))
  expect(await verify(name)).toMatchObject({
    outcome: 'corrupt',
    error: { message: expect.stringMatching(/its manifest.*Its archive was read without an error/s) },
  })
})

test('an aborted verification of an archive marks nothing', async () => {
  const { verify, fullBackup, infoOf } = await verifyingWorld()
  const name = await fullBackup()
  const reason = new Error('enough')
  await expect(verify(name, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  expect(await infoOf(name)).toMatchObject({ corrupt: null, verified: null })
})

test.each(['archive', 'series'])('one wrong read of each object of an %s is not damage', async (kind) => {
  const world = await verifyingWorld()
  const { verify, fullBackup, increment, infoOf, store } = world
  const name = kind === 'archive' ? await fullBackup() : NAME
  if (kind !== 'archive') await increment()
  misread(world, kind === 'archive' ? /\.tar\.gz$/ : /\/data\//)
  expect(await verify(name)).toMatchObject({ outcome: 'verified', result: { problems: [] } })
  expect(await infoOf(name)).toMatchObject({ corrupt: null, proof: { rid: RID } })
  expect(await readDamage(store.driver, SERVER)).toEqual({ packs: {}, snapshots: {} })
})

test('an intact series is read completely, and the proof lies beside it', async () => {
  const { verify, increment, infoOf, snapshotsOf, warnings } = await verifyingWorld()
  await increment()
  const read = lastBytes()
  const verdict = await verify(NAME, { onBytes: read.note })
  expect(verdict).toMatchObject({ outcome: 'verified', result: { method: 'hash', share: 1, problems: [] } })
  expect(read.bytes).toBeGreaterThan(3 * MIB)
  expect(await infoOf(NAME)).toMatchObject({ corrupt: null, proof: { rid: RID, method: 'hash', share: 1 } })
  await increment()
  const [newest, first] = await snapshotsOf()
  expect(first?.proof).toMatchObject({ rid: RID })
  expect(newest?.proof).toBeUndefined()
  expect((await infoOf(NAME)).proof).toMatchObject({ rid: RID })
  expect(warnings).toEqual([])
})

test('a damaged pack marks the snapshots that lack something, with the paths', async () => {
  const { verify, increment, infoOf, namespace, store, warnings } = await verifyingWorld()
  await increment()
  const pack = largestPack(namespace)
  flipByte(pack)
  expect(await verify(NAME)).toMatchObject({
    outcome: 'corrupt',
    error: {
      code: 'SNAPSHOT_CORRUPT',
      message: expect.stringContaining('such as "sub/large"'),
      facts: { count: 1, files: ['sub/large'], objects: [`pack ${basename(pack)}`] },
    },
  })
  expect(warnings).toEqual([expect.stringMatching(/^the pack [0-9a-f]{64} is damaged: /)])
  expect((await infoOf(NAME)).corrupt).toContain('"sub/large"')
  expect(Object.keys((await readDamage(store.driver, SERVER)).packs)).toEqual([basename(pack)])
})

test('the next increment stores a damaged pack again, and the snapshot before counts again once verified', async () => {
  const { verify, increment, infoOf, snapshotsOf, namespace } = await verifyingWorld()
  await increment()
  flipByte(largestPack(namespace))
  await verify(NAME)
  expect(await infoOf(NAME)).toMatchObject({ series: { lastGood: null } })
  expect(await increment()).toMatchObject({ state: 'success' })
  expect(await infoOf(NAME)).toMatchObject({ corrupt: null, series: { snapshots: 2 } })
  expect(await verify(NAME)).toMatchObject({ outcome: 'verified' })
  expect((await snapshotsOf()).map(({ corrupt }) => corrupt)).toEqual([null, null])
})

test('a missing pack marks the snapshots that lack something', async () => {
  const { verify, increment, namespace } = await verifyingWorld()
  await increment()
  rmSync(largestPack(namespace))
  expect(await verify(NAME)).toMatchObject({
    outcome: 'corrupt',
    error: { code: 'SNAPSHOT_CORRUPT', facts: { files: ['small', 'sub/large'] } },
  })
})

test('a flipped byte in a tree names the directory', async () => {
  const { verify, increment, namespace } = await verifyingWorld()
  await increment()
  const packs = filesIn(join(namespace, 'repo', 'data'))
  const trees = packs.toSorted((a, b) => statSync(a).size - statSync(b).size)[0] ?? ''
  flipByte(trees, 20)
  const verdict = await verify(NAME)
  expect(verdict).toMatchObject({ outcome: 'corrupt', error: { code: 'SNAPSHOT_CORRUPT' } })
  expect(verdict.outcome === 'corrupt' && verdict.error.facts.count).toBeGreaterThan(0)
})

test('a damaged index file of the repository names the files; the next increment stores them again', async () => {
  const { verify, increment, infoOf, snapshotsOf, namespace, store, volume } = await verifyingWorld()
  await increment()
  writeFileSync(join(volume, 'second'), randomBytes(MIB))
  const known = new Set(filesIn(join(namespace, 'repo', 'index')))
  await increment()
  const file = filesIn(join(namespace, 'repo', 'index')).find((path) => !known.has(path)) ?? ''
  flipByte(file, 40)
  expect(await verify(NAME)).toMatchObject({
    outcome: 'corrupt',
    error: { code: 'SNAPSHOT_CORRUPT', facts: { objects: [`index file ${basename(file)}`] } },
  })
  expect(Object.keys((await readDamage(store.driver, SERVER)).indexes ?? {})).toEqual([basename(file)])
  expect((await infoOf(NAME)).corrupt).not.toBeNull()
  expect(await increment()).toMatchObject({ state: 'success' })
  expect(await infoOf(NAME)).toMatchObject({ corrupt: null })
  await verify(NAME)
  const [newest, , first] = await snapshotsOf()
  expect([newest, first]).toMatchObject([{ good: true, proof: { rid: RID } }, { good: true }])
  expect((await infoOf(NAME)).proof).toMatchObject({ rid: RID })
})

test('a damaged snapshot file of a proven snapshot is corrupt; otherwise it may be of any series', async () => {
  const { verify, increment, namespace, volume } = await verifyingWorld()
  const { result } = await increment()
  writeFileSync(join(volume, 'second'), 'second')
  await increment()
  const file = join(namespace, 'repo', 'snapshots', String(result.snapshot))
  flipByte(file, 40)
  expect(await verify(NAME)).toMatchObject({
    outcome: 'verified',
    result: { problems: [expect.stringContaining(`the snapshot file ${result.snapshot} is damaged`)] },
  })
  flipByte(file, 40)
  await verify(NAME)
  flipByte(file, 40)
  for (let time = 0; time < 2; time++)
    expect(await verify(NAME)).toMatchObject({
      outcome: 'corrupt',
      error: { code: 'SNAPSHOT_CORRUPT', facts: { objects: [`snapshot ${result.snapshot}`] } },
    })
  flipByte(file, 40)
  expect(await verify(NAME)).toMatchObject({ outcome: 'verified', result: { problems: [] } })
})

test('damage that is found without a lock is reported but not noted, because a prune may be under way', async () => {
  const { verify, infoOf, increment, namespace, store, warnings } = await verifyingWorld()
  await increment()
  for (const pack of filesIn(join(namespace, 'repo/data'))) rmSync(pack)
  const { createIn } = store.driver
  store.driver.createIn = () =>
    Promise.reject(new BackupdError('STORE_UNAVAILABLE', 'read-only', { facts: { errno: 'EROFS' } }))
  expect(await verify(NAME)).toMatchObject({ outcome: 'corrupt', error: { code: 'SNAPSHOT_CORRUPT' } })
  store.driver.createIn = createIn
  expect(warnings.at(-1)).toMatch(/^What was found is not noted in the store/)
  expect(await readDamage(store.driver, SERVER)).toEqual({ packs: {}, snapshots: {} })
  expect((await infoOf(NAME)).corrupt).toBeNull()
})

test('damage in another series does not mark this one', async () => {
  const { verify, increment, backUp, parent, namespace } = await verifyingWorld()
  await increment()
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
  expect(await verify(NAME)).toMatchObject({ outcome: 'verified' })
  expect(await verify('shop-shop.web.web-1-data-other')).toMatchObject({ outcome: 'corrupt' })
})

test('an interrupted verification continues with the packs that it has not read', async () => {
  const { verify, increment, infoOf, volume, store } = await verifyingWorld()
  await increment()
  writeFileSync(join(volume, 'second'), randomBytes(4 * MIB))
  await increment()
  const stop = new AbortController()
  const reason = new Error('enough')
  const onBytes = (bytes: number) => {
    if (bytes > 4.5 * MIB) stop.abort(reason)
  }
  await expect(verify(NAME, { signal: stop.signal, onBytes })).rejects.toBe(reason)
  expect(await readPass(store.driver, SERVER)).toMatchObject({ series: NAME })
  const rest = lastBytes()
  expect(await verify(NAME, { onBytes: rest.note })).toMatchObject({
    outcome: 'verified',
  })
  expect(rest.bytes).toBeLessThan(6 * MIB)
  expect(await readPass(store.driver, SERVER)).toBeUndefined()
  expect((await infoOf(NAME)).proof).toMatchObject({ share: 1 })
})

test('a mirror is read as a whole, which proves nothing', async () => {
  const { verify, infoOf, namespace } = await verifyingWorld()
  const name = 'hello-hello.web.web-1-data'
  const source = '/data/lain/volumes/hello/hello.web.web/1/data'
  mkdirSync(join(namespace, name, 'inner'), { recursive: true })
  writeFileSync(join(namespace, name, 'inner', 'file'), randomBytes(5000))
  writeRecordedMeta(namespace, [recordedEntity({ name, source, mode: 'increment' })])
  expect(await verify(name)).toEqual({
    outcome: 'verified',
    result: { method: 'read', share: 1, bytes: 5000, problems: [] },
  })
  expect(await infoOf(name)).toMatchObject({ verified: null })
})
