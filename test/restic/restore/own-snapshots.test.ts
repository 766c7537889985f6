import { randomBytes } from 'node:crypto'
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { bytesToText } from '../../../src/lib/byte-paths.ts'
import { localDriver } from '../../../src/objects/drivers/local.ts'
import { diffTrees } from '../../../src/restic/read/diff-trees.ts'
import { type VolumeTree, volumeTree } from '../../../src/restic/read/volume-tree.ts'
import type { Repository } from '../../../src/restic/repository/repository.ts'
import { planRestore } from '../../../src/restic/restore/plan-restore.ts'
import { restoreTree } from '../../../src/restic/restore/restore-tree.ts'
import { given } from '../../support/given.ts'
import { collectIds, readSnapshot } from '../../support/repository-content.ts'
import { hasRestic } from '../../support/restic.ts'
import { IP } from '../../support/store-samples.ts'
import { canMount, mountTmpfs } from '../../support/tmpfs.ts'
import { compareTrees } from '../../support/tree-compare.ts'
import { makeNastyTree } from '../../support/tree-make.ts'

const signal = new AbortController().signal

async function volumeOf(repository: Repository, id: string): Promise<VolumeTree> {
  return await volumeTree(repository, await readSnapshot(repository, id))
}

async function restore(repository: Repository, volume: VolumeTree, target: string) {
  mkdirSync(target)
  const warnings: string[] = []
  const onWarning = ({ path, message }: { path: Buffer; message: string }) =>
    void warnings.push(`${bytesToText(path)}: ${message}`)
  const summary = await restoreTree({
    source: repository,
    volume,
    target,
    signal,
    onProgress: () => {},
    onWarning,
  })
  return { summary, warnings }
}

test('a snapshot of ours is restored exactly', async () => {
  const { repository, snapshot, volume, dir, treeWarnings } = await given.repository()
  rmSync(volume, { recursive: true })
  makeNastyTree(volume)
  rmSync(`${volume}/sparse/beyond 8 GiB`)
  const made = await snapshot(repository)
  const tree = await volumeOf(repository, made.snapshotId)
  const { summary, warnings } = await restore(repository, tree, `${dir}/out`)
  expect(compareTrees(volume, `${dir}/out`, { ignoreRoot: true })).toEqual([])
  expect([warnings, treeWarnings]).toEqual([[], []])
  expect(summary).toMatchObject({ faults: 0, files: made.files, entries: made.entries })
  const plan = await planRestore({ source: repository, volume: tree, path: volume, names: 5, signal })
  const { create, overwrite, metadata, delete: gone } = plan
  expect([create, overwrite, metadata, gone].map(({ first }) => first)).toEqual([[], [], [], []])
  expect(plan.same).toBe(made.entries - 1)
}, 30_000)

test.skipIf(!hasRestic)(
  'content of a restic snapshot is kept, and metadata is read again (needs restic)',
  async () => {
    const { repository, snapshot, volume, dir, restic } = await given.repository()
    rmSync(volume, { recursive: true })
    makeNastyTree(volume)
    rmSync(`${volume}/sparse/beyond 8 GiB`)
    restic('backup', '--host', IP, '--time', '2037-01-01 00:00:00', volume)
    const [from] = await collectIds(repository.listUnpacked('snapshots'))
    const made = await snapshot(repository, { from })
    expect(made).toMatchObject({ filesNew: 0, filesChanged: 0, bytesRead: 0, bytesAdded: expect.any(Number) })
    const tree = await volumeOf(repository, made.snapshotId)
    await restore(repository, tree, `${dir}/out`)
    expect(compareTrees(volume, `${dir}/out`, { ignoreRoot: true })).toEqual([])
  },
)

test('files larger than all windows are restored, with repeated content and holes', async () => {
  const { repository, snapshot, volume, dir } = await given.repository()
  const block = randomBytes(3 << 20)
  writeFileSync(
    `${volume}/large`,
    Buffer.concat(Array.from({ length: 12 }, (_, n) => (n % 2 ? randomBytes(3 << 20) : block))),
  )
  writeFileSync(`${volume}/again`, Buffer.concat([block, Buffer.from('and more'), block]))
  const fd = openSync(`${volume}/sparse`, 'w')
  for (const at of [0, 20 << 20, 90 << 20]) writeSync(fd, block, 0, block.length, at)
  ftruncateSync(fd, 100 << 20)
  closeSync(fd)
  const tree = await volumeOf(repository, (await snapshot(repository)).snapshotId)
  const { summary } = await restore(repository, tree, `${dir}/out`)
  expect(compareTrees(volume, `${dir}/out`, { ignoreRoot: true })).toEqual([])
  expect(summary.files).toBe(3)
}, 30_000)

test.skipIf(!canMount)(
  'a full file system ends the restore, and all work in progress (needs mounts)',
  async () => {
    const { repository, snapshot, volume, dir } = await given.repository()
    for (let n = 0; n < 12; n++) writeFileSync(`${volume}/${n}`, randomBytes(4 << 20))
    const tree = await volumeOf(repository, (await snapshot(repository)).snapshotId)
    onTestFinished(mountTmpfs(`${dir}/small`))
    await expect(restore(repository, tree, `${dir}/small/out`)).rejects.toThrow(
      expect.objectContaining({ code: 'NO_ROOM' }),
    )
    expect(process.getActiveResourcesInfo()).not.toContain('MessagePort')
  },
)

test.skipIf(!canMount)(
  'a full file system ends the restore in the middle of a file (needs mounts)',
  async () => {
    let read = 0
    const counted = (at: string) => {
      const driver = localDriver(at)
      const open = driver.open.bind(driver)
      driver.open = async (name) => {
        const reader = await open(name)
        const readFrom = reader.read.bind(reader)
        reader.read = (position, length) => {
          read += length
          return readFrom(position, length)
        }
        return reader
      }
      return driver
    }
    const { repository, snapshot, volume, dir } = await given.repository({ driverOf: counted })
    writeFileSync(`${volume}/large`, randomBytes(120 << 20))
    const tree = await volumeOf(repository, (await snapshot(repository)).snapshotId)
    onTestFinished(mountTmpfs(`${dir}/small`))
    read = 0
    await expect(restore(repository, tree, `${dir}/small/out`)).rejects.toThrow(
      expect.objectContaining({ code: 'NO_ROOM' }),
    )
    expect(read).toBeGreaterThan(8 << 20)
    expect(read).toBeLessThan(100 << 20)
  },
)

test('two snapshots of ours differ in what was done between them', async () => {
  const { repository, snapshot, volume } = await given.repository()
  for (const name of ['kept', 'edited', 'removed', 'renamed']) writeFileSync(`${volume}/${name}`, name)
  const first = await snapshot(repository)
  writeFileSync(`${volume}/edited`, 'otherwise')
  rmSync(`${volume}/removed`)
  renameSync(`${volume}/renamed`, `${volume}/after`)
  const second = await snapshot(repository, { from: first.snapshotId })
  const [before, after] = [
    await volumeOf(repository, first.snapshotId),
    await volumeOf(repository, second.snapshotId),
  ]
  const found: string[] = []
  for await (const { change, path } of diffTrees(
    repository,
    { before: before.tree, after: after.tree },
    { signal },
  )) {
    found.push(`${change} ${bytesToText(path)}`)
  }
  expect(found).toEqual(['added after', 'content edited', 'removed removed', 'removed renamed'])
})
