import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkPacks, type LostBlob } from '../../../src/restic/check/check-packs.ts'
import { collectPacks } from '../../../src/restic/check/collect-packs.ts'
import { findTouchedFiles } from '../../../src/restic/check/touched-files.ts'
import { parseSnapshot } from '../../../src/restic/nodes/snapshot-file.ts'
import type { Repository } from '../../../src/restic/repository/repository.ts'
import { faultyLocal } from '../../support/faulty-local.ts'
import { given } from '../../support/given.ts'
import { addSnapshot, idOf } from '../../support/repository-content.ts'

const signal = new AbortController().signal
const SHARED = Buffer.from('in both snapshots')

async function filled() {
  const world = await given.repository()
  const { repository } = world
  const first = await addSnapshot(repository, { shared: SHARED, old: Buffer.from('only in the first') })
  const second = await addSnapshot(repository, {
    shared: SHARED,
    renamed: SHARED,
    large: randomBytes(50_000),
  })
  const packs = readdirSync(join(world.path, 'data'), { recursive: true, encoding: 'utf8' })
    .map((name) => join(world.path, 'data', name))
    .filter((path) => path.length > join(world.path, 'data').length + 10)
  return { ...world, repository, first, second, packs }
}

async function listSnapshots(repository: Repository) {
  const snapshots: { id: string; tree: Buffer }[] = []
  for await (const id of repository.listUnpacked('snapshots'))
    snapshots.push({ id, tree: parseSnapshot(id, await repository.loadUnpacked('snapshots', id)).tree })
  return snapshots
}

/** Checks every pack in the index, and names the files of all snapshots that damage touches. */
async function check(repository: Repository) {
  const index = await repository.loadIndex()
  const all = Array.from({ length: index.packCount }, (_, number) => number)
  const packs: string[] = []
  const lost: LostBlob[] = []
  for await (const found of checkPacks(repository, all, { signal })) {
    if (found.state !== 'damaged') continue
    packs.push(found.pack)
    lost.push(...found.lost)
  }
  const touched: string[] = []
  const question = { snapshots: await listSnapshots(repository), lost, signal }
  for await (const { snapshot, path, isDirectory } of findTouchedFiles(repository, question)) {
    touched.push(`${snapshot} ${path}${isDirectory ? ' (directory)' : ''}`)
  }
  return { packs, touched: touched.sort() }
}

test('the trees of all snapshots need all packs of an intact repository, and these have no damage', async () => {
  const { repository, packs } = await filled()
  const needed = await collectPacks(repository, await listSnapshots(repository), signal)
  expect(needed).toMatchObject({ lost: [], unreadable: [] })
  expect(needed.packs.size).toBe(packs.length)
  const found = await Array.fromAsync(checkPacks(repository, needed.packs.keys(), { signal }))
  expect(found.map(({ state }) => state)).toEqual(packs.map(() => 'intact'))
})

test('one snapshot needs only its own packs', async () => {
  const { repository, first } = await filled()
  const snapshots = (await listSnapshots(repository)).filter(({ id }) => id === first)
  expect((await collectPacks(repository, snapshots, signal)).packs.size).toBe(2)
})

test('a flipped byte in any pack is found, and the affected files are named in every snapshot', async () => {
  const { repository, open, packs, first, second } = await filled()
  const pack = repository.locate('data', idOf(SHARED))?.pack ?? ''
  const offset = repository.locate('data', idOf(SHARED))?.offset ?? 0
  for (const path of packs) {
    const bytes = readFileSync(path)
    const flipped = Buffer.from(bytes)
    const at = path.endsWith(pack) ? offset + 20 : Math.floor(bytes.length / 3)
    flipped[at] = (flipped[at] ?? 0) ^ 0x10
    writeFileSync(path, flipped)
    const opened = await open()
    const found = await check(opened)
    expect(found.packs).toEqual([path.slice(-64)])
    if (path.endsWith(pack)) {
      expect(found.touched).toEqual([`${first} /shared`, `${second} /renamed`, `${second} /shared`].sort())
    } else expect(found.touched.length).toBeGreaterThan(0)
    writeFileSync(path, bytes)
  }
  expect(await check(await open())).toEqual({ packs: [], touched: [] })
})

test('a lost tree names the directory; a lost header names nothing, because the index knows its content', async () => {
  const { repository, open, path, second } = await filled()
  const { tree } = JSON.parse((await repository.loadUnpacked('snapshots', second)).toString())
  const place = repository.locate('tree', Buffer.from(tree, 'hex'))
  const pack = place?.pack ?? ''
  const file = join(path, 'data', pack.slice(0, 2), pack)
  const bytes = readFileSync(file)
  const flipped = Buffer.from(bytes)
  flipped[bytes.length - 10] = (flipped[bytes.length - 10] ?? 0) ^ 1
  writeFileSync(file, flipped)
  expect(await check(await open())).toEqual({ packs: [pack], touched: [] })
  rmSync(file)
  expect(await check(await open())).toEqual({ packs: [pack], touched: [`${second} / (directory)`] })
})

test('a store that cannot be read ends a check, and a pack that cannot be read is not damaged', async () => {
  const { repository, open, path, place } = await given.repository({ driverOf: faultyLocal })
  await addSnapshot(repository, { shared: SHARED })
  const { pack = '', offset = 0 } = repository.locate('data', idOf(SHARED)) ?? {}
  const file = join(path, 'data', pack.slice(0, 2), pack)
  const bytes = readFileSync(file)
  bytes[offset + 20] = (bytes[offset + 20] ?? 0) ^ 1
  writeFileSync(file, bytes)
  const faulty = place.driver as ReturnType<typeof faultyLocal>
  // The damaged pack is read twice, the other one once.
  for (const nth of [1, 2, 3]) {
    const opened = await open()
    const all = Array.from({ length: (await opened.loadIndex()).packCount }, (_, number) => number)
    const states = async () => {
      const found = await Array.fromAsync(checkPacks(opened, all, { signal }))
      return new Map(found.map((each) => [each.pack, each.state]))
    }
    faulty.fail('open').at(nth)
    faulty.fail('check')
    await expect(states(), `read ${nth}`).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    faulty.fail('open').at(nth)
    const found = await states()
    expect([...found.values()].filter((state) => state === 'unreadable')).toHaveLength(1)
    expect(found.get(pack)).toMatch(/^(damaged|unreadable)$/)
    expect([...found].filter(([each, state]) => each !== pack && state === 'damaged')).toEqual([])
  }
  expect((await check(await open())).packs).toEqual([pack])
})
