// What a verification must not claim, and must not hide.

import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { BackupdError } from '../../src/lib/errors.ts'
import { PackSet } from '../../src/store/kinds/series/proof-note.ts'
import { tempDir } from '../support/temp-dir.ts'
import { filesIn, flipByte, largestPack, MIB, NAME, verifyingWorld } from '../support/verifying-world.ts'

/** As if a verification had been interrupted after it read these packs. */
function notePass(namespace: string, packs: readonly string[]): void {
  const read = new PackSet()
  for (const pack of packs) read.add(basename(pack))
  const pass = { series: NAME, since: new Date().toISOString(), packs: read.toText() }
  writeFileSync(join(namespace, '.verified'), JSON.stringify({ series: {}, pass }))
}

test('a pack that proved damaged after an interrupted verification had read it is read again', async () => {
  const { verify, increment, infoOf, namespace } = await verifyingWorld()
  await increment()
  const pack = largestPack(namespace)
  flipByte(pack)
  await verify(NAME)
  notePass(namespace, filesIn(join(namespace, 'repo', 'data')))
  expect(await verify(NAME)).toMatchObject({ outcome: 'corrupt', error: { code: 'SNAPSHOT_CORRUPT' } })
  expect((await infoOf(NAME)).corrupt).not.toBeNull()
})

test('a verification that continues counts only what it has still to read', async () => {
  const { open, verifyOpened, increment, namespace } = await verifyingWorld()
  await increment()
  notePass(namespace, [largestPack(namespace)])
  const done: { bytes: number; total: number | null }[] = []
  await using backup = await open(NAME)
  await verifyOpened(backup, { onProgress: (now) => void done.push(now) })
  expect(done.at(-1)?.total).toBeLessThan(MIB)
  expect(done.at(-1)?.bytes).toBeLessThan(MIB)
})

test('a mark that another run made during a verification stays', async () => {
  const { open, verifyOpened, verify, fullBackup, infoOf, namespace } = await verifyingWorld()
  const name = await fullBackup()
  await using before = await open(name)
  flipByte(join(namespace, name))
  await verify(name)
  flipByte(join(namespace, name))
  expect(await verifyOpened(before)).toMatchObject({ outcome: 'verified' })
  const info = await infoOf(name)
  expect(info).toMatchObject({ corrupt: expect.stringContaining('damaged'), verified: null })
  expect(info.proof).toBeUndefined()
  expect(await verify(name)).toMatchObject({ outcome: 'verified' })
  expect(await infoOf(name)).toMatchObject({ corrupt: null })
})

test('a mark does not hide that the manifest was changed', async () => {
  const { verify, fullBackup, infoOf, namespace } = await verifyingWorld()
  const name = await fullBackup()
  const path = join(namespace, `${name}.manifest.json`)
  writeFileSync(path, readFileSync(path, 'utf8').replace('"files": ', '"files": 1'))
  flipByte(join(namespace, name))
  expect(await verify(name)).toMatchObject({
    outcome: 'corrupt',
    error: { message: expect.stringMatching(/Its manifest was changed after backupd wrote it/) },
  })
  flipByte(join(namespace, name))
  expect(await verify(name)).toMatchObject({
    outcome: 'verified',
    result: { problems: [expect.stringMatching(/^the manifest was changed after backupd wrote it/)] },
  })
  expect((await infoOf(name)).proof).toBeUndefined()
})

test('a manifest that an earlier version wrote again without its checksum counts as unchanged', async () => {
  const { verify, fullBackup, infoOf, namespace } = await verifyingWorld()
  const name = await fullBackup()
  await verify(name)
  const path = join(namespace, `${name}.manifest.json`)
  const { checksum: _unknown, proof: _too, ...known } = JSON.parse(readFileSync(path, 'utf8'))
  writeFileSync(path, JSON.stringify({ ...known, corrupt: { at: known.created, reason: 'found by it' } }))
  expect(await infoOf(name)).toMatchObject({ corrupt: 'found by it' })
  expect((await infoOf(name)).proof).toBeUndefined()
  expect(await verify(name)).toMatchObject({ outcome: 'verified', result: { problems: [] } })
  expect(await infoOf(name)).toMatchObject({ corrupt: null, proof: { method: 'hash' } })
})

test('a backup that was deleted during its verification is not corrupt', async () => {
  const { open, verifyOpened, fullBackup, store } = await verifyingWorld()
  const name = await fullBackup()
  await using backup = await open(name)
  await store.delete([name], { dataDir: tempDir(), signal: new AbortController().signal, warn: () => {} })
  expect(await verifyOpened(backup)).toMatchObject({
    outcome: 'unreadable',
    error: { code: 'NOT_FOUND', message: 'it was deleted meanwhile' },
  })
})

test('a snapshot file that cannot be read any more is not damaged', async () => {
  const { open, verifyOpened, increment, store } = await verifyingWorld()
  await increment()
  await using backup = await open(NAME)
  const away = () => Promise.reject(new BackupdError('STORE_NOT_MOUNTED', 'it is not mounted'))
  const { open: openObject, readWhole } = store.driver
  const isSnapshot = (name: string) => name.includes('/snapshots/')
  store.driver.open = (name) => (isSnapshot(name) ? away() : openObject.call(store.driver, name))
  if (readWhole)
    Object.assign(store.driver, {
      readWhole: (name: string, most: number) =>
        isSnapshot(name) ? away() : readWhole.call(store.driver, name, most),
    })
  expect(await verifyOpened(backup)).toMatchObject({
    outcome: 'unreadable',
    error: { code: 'STORE_NOT_MOUNTED' },
  })
})
