import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { FolderCache } from '../../../src/objects/cache/folder-cache.ts'
import { localDriver } from '../../../src/objects/drivers/local.ts'
import { openRepository } from '../../../src/restic/repository/open-repository.ts'
import { streamBlob } from '../../../src/restic/repository/stream-blob.ts'
import { describeSwift } from '../../support/describe-swift.ts'
import { startFaultProxy } from '../../support/fault-proxy.ts'
import { given } from '../../support/given.ts'
import { blobOf, idOf } from '../../support/repository-content.ts'
import { PASSWORD } from '../../support/repository-samples.ts'
import { tempDir } from '../../support/temp-dir.ts'

const TREES = ['one', 'two', 'three'].map((name) => Buffer.from(`{"nodes":[],"name":"${name}"}`))
const [TREE = Buffer.alloc(0)] = TREES
const DATA = Buffer.from('content of a file')

/** A repository with a pack of trees and one of data, in a store with a cache. */
async function startRepository() {
  const cacheFolder = join(tempDir(), 'cache')
  const cache = new FolderCache({ folder: cacheFolder, maxBytes: 2 ** 30 })
  const prepared = await given.repository({ driverOf: (dir) => Object.assign(localDriver(dir), { cache }) })
  const { repository, path } = prepared
  const packs = repository.beginPacks()
  for (const tree of TREES) await packs.add(blobOf(repository, 'tree', tree))
  await packs.add(blobOf(repository, 'data', DATA))
  await packs.finish()
  const treePack = repository.locate('tree', idOf(TREE))?.pack ?? ''
  const copyOf = (id: string) => join(cacheFolder, id.slice(0, 2), id)
  const warnings: string[] = []
  /** As another run sees it. */
  const openAgain = async () => {
    const warn = (message: string) => void warnings.push(message)
    const again = await openRepository(repository.place, {
      password: Buffer.from(PASSWORD),
      clock: systemClock,
      warn,
    })
    await again.loadIndex()
    return again
  }
  return { repository, path, treePack, copyOf, openAgain, warnings }
}

test('trees and the index are read from their copies', async () => {
  const { path, treePack, copyOf, openAgain, warnings } = await startRepository()
  await using first = await openAgain()
  expect(await first.readBlob('tree', idOf(TREE))).toEqual(TREE)
  expect(existsSync(copyOf(treePack))).toBe(true)
  renameSync(join(path, 'data'), join(path, 'away'))
  await using second = await openAgain()
  for (const tree of TREES) expect(await second.readBlob('tree', idOf(tree))).toEqual(tree)
  const many = []
  for await (const { plain } of second.readBlobs('tree', TREES.map(idOf))) many.push(`${plain}`)
  expect(many.sort()).toEqual(TREES.map(String).sort())
  await expect(second.readBlob('data', idOf(DATA))).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' })
  expect(warnings).toEqual([])
})

test('a damaged copy is read from the store again, which is not blamed for it', async () => {
  const { treePack, copyOf, openAgain, warnings } = await startRepository()
  await using first = await openAgain()
  await first.readBlob('tree', idOf(TREE))
  writeFileSync(copyOf(treePack), Buffer.alloc(500))
  await using second = await openAgain()
  for (const tree of TREES) expect(await second.readBlob('tree', idOf(tree))).toEqual(tree)
  expect([...second.distrusted]).toEqual([])
  writeFileSync(copyOf(treePack), '')
  await using third = await openAgain()
  const many = []
  for await (const { plain } of third.readBlobs('tree', TREES.map(idOf))) many.push(`${plain}`)
  expect(many.sort()).toEqual(TREES.map(String).sort())
  expect([...third.distrusted]).toEqual([])
  expect(warnings).toEqual([])
})

test('a copy that the disk cannot read is read from the store', async () => {
  const { treePack, copyOf, openAgain, warnings } = await startRepository()
  await using first = await openAgain()
  await first.readBlob('tree', idOf(TREE))
  rmSync(copyOf(treePack))
  // It can be opened, and reading it is a system error.
  mkdirSync(copyOf(treePack))
  await using second = await openAgain()
  for (const tree of TREES) expect(await second.readBlob('tree', idOf(tree))).toEqual(tree)
  const many = []
  for await (const { plain } of second.readBlobs('tree', TREES.map(idOf))) many.push(`${plain}`)
  expect(many.sort()).toEqual(TREES.map(String).sort())
  expect(Buffer.concat(await Array.fromAsync(streamBlob(second, 'tree', idOf(TREE))))).toEqual(TREE)
  expect([...second.distrusted]).toEqual([])
  expect(warnings).toEqual([])
})

test('a damaged copy of an index or a snapshot is not believed', async () => {
  const { repository, copyOf, openAgain } = await startRepository()
  const snapshot = await repository.saveUnpacked('snapshots', Buffer.from('{"a":1}'))
  await repository.loadUnpacked('snapshots', snapshot)
  const ids = [snapshot]
  for await (const id of repository.listUnpacked('index')) ids.push(id)
  await using _first = await openAgain()
  for (const id of ids) writeFileSync(copyOf(id), 'damaged')
  await using second = await openAgain()
  expect(await second.readBlob('tree', idOf(TREE))).toEqual(TREE)
  expect(`${await second.loadUnpacked('snapshots', snapshot)}`).toBe('{"a":1}')
})

test('what was just written is read back from the store, and nothing damaged is kept', async () => {
  const { repository, path, treePack, copyOf, openAgain } = await startRepository()
  const snapshot = await repository.saveUnpacked('snapshots', Buffer.from('{"a":1}'))
  writeFileSync(join(path, 'snapshots', snapshot), 'damaged')
  await expect(repository.loadUnpacked('snapshots', snapshot)).rejects.toMatchObject({
    code: 'REPOSITORY_DAMAGED',
  })
  expect(existsSync(copyOf(snapshot))).toBe(false)
  writeFileSync(join(path, 'data', treePack.slice(0, 2), treePack), Buffer.alloc(500))
  await using again = await openAgain()
  await expect(again.readBlob('tree', idOf(TREE))).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' })
  expect(existsSync(copyOf(treePack))).toBe(false)
})

const FOLDERS = 300
const FILES_IN_EACH = 10

describeSwift('increments in a bucket', (place) => {
  test('need few requests if nothing changed, however many folders there are', async () => {
    const proxy = await startFaultProxy(place.swift.endpoint)
    const store = { ...(await place.swift.newStore()), endpoint: proxy.endpoint }
    const { volume, backUp } = await given.volume('/data/db').plugins({ store })
    for (let folder = 0; folder < FOLDERS; folder++) await fillFolder(join(volume, `${folder}`))
    const increment = async () => {
      const from = proxy.requests.length
      const { result } = await backUp({ mode: 'increment' })
      return { result, others: proxy.requests.slice(from).filter((each) => !isList(each)) }
    }
    await increment()
    for (const which of ['with an empty cache', 'with a filled cache']) {
      const { result, others } = await increment()
      expect(result).toMatchObject({ filesUnchanged: FOLDERS * FILES_IN_EACH })
      expect(others.length, `${which}: ${others.join('\n')}`).toBeLessThan(50)
    }
  }, 600_000)
})

async function fillFolder(folder: string): Promise<void> {
  await mkdir(folder)
  for (let n = 0; n < FILES_IN_EACH; n++) await writeFile(join(folder, `${n}`), `${folder} ${n}`)
}

function isList(request: string): boolean {
  return /^GET .*list-type=2/.test(request)
}
