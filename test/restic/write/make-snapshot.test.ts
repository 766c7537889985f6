import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BackupdError } from '../../../src/lib/errors.ts'
import type { Repository } from '../../../src/restic/repository/repository.ts'
import type { SnapshotProgress } from '../../../src/restic/write/run-progress.ts'
import type { SnapshotDescription, WalkResult } from '../../../src/restic/write/snapshot-input.ts'
import { given } from '../../support/given.ts'
import { collectIds } from '../../support/repository-content.ts'
import { FACTS, STILL_PATH, writeSome } from '../../support/repository-samples.ts'
import { hasRestic } from '../../support/restic.ts'

const MIB = 1024 * 1024

describe('the counts of a snapshot', () => {
  test('an unchanged volume is not read, and keeps its tree', async () => {
    const { repository, snapshot } = await given.files(writeSome).repository()
    const first = await snapshot(repository, { sourcePath: STILL_PATH })
    expect(first).toMatchObject({ files: 4, filesNew: 4, filesUnchanged: 0, entries: 8, empty: false })
    expect(first.bytesRead).toBe(first.bytes)
    const second = await snapshot(repository, { from: first.snapshotId, sourcePath: STILL_PATH })
    expect(second).toMatchObject({ filesNew: 0, filesChanged: 0, filesUnchanged: 4, filesDeleted: 0 })
    expect(second).toMatchObject({ files: 4, entries: 8, bytes: first.bytes, bytesRead: 0, bytesAdded: 0 })
    expect(second.tree.equals(first.tree)).toBe(true)
  })

  test('new, changed and deleted files are counted separately', async () => {
    const { repository, snapshot, volume, snapshots } = await given
      .files(writeSome)
      .withSnapshots(1)
      .repository()
    const [first] = snapshots
    writeFileSync(join(volume, 'text'), 'other')
    writeFileSync(join(volume, 'new'), 'new')
    rmSync(join(volume, 'sub/deep'), { recursive: true })
    const second = await snapshot(repository, { from: first.snapshotId })
    expect(second).toMatchObject({ filesNew: 1, filesChanged: 1, filesDeleted: 1, filesUnchanged: 2 })
    expect(second.bytesRead).toBe('other'.length + 'new'.length)
  })

  test('changed metadata makes the file be read again and stores no content', async () => {
    const { repository, snapshot, volume } = await given.files(writeSome).repository()
    const first = await snapshot(repository, { sourcePath: STILL_PATH })
    chmodSync(join(volume, 'large'), 0o600)
    const second = await snapshot(repository, { from: first.snapshotId, sourcePath: STILL_PATH })
    expect(second).toMatchObject({ filesChanged: 1, filesUnchanged: 3 })
    expect(second.tree.equals(first.tree)).toBe(false)
    expect(second.bytesAdded).toBeLessThan(10_000)
  })

  test('a file that changed less than 2 s before the last snapshot began is read again', async () => {
    const { repository, snapshot } = await given.files(writeSome).repository()
    const first = await snapshot(repository, { time: new Date() })
    const second = await snapshot(repository, { from: first.snapshotId })
    expect(second).toMatchObject({ filesChanged: 0, filesUnchanged: 4, bytesRead: first.bytesRead })
  })

  test('content that the index does not have is read and stored again', async () => {
    const { repository, open, snapshot, check, snapshots } = await given
      .files(writeSome)
      .withSnapshots(1)
      .repository()
    const [first] = snapshots
    await forgetDataPacks(repository)
    const second = await snapshot(await open(), { from: first.snapshotId })
    expect(second).toMatchObject({ filesChanged: 0, filesUnchanged: 4, bytesRead: first.bytesRead })
    expect(second.bytesAdded).toBeGreaterThan(9 * MIB)
    if (hasRestic) check()
  })

  test('a parent with missing trees stops the run, and is named', async () => {
    const { open, snapshot, path, snapshots } = await given.files(writeSome).withSnapshots(1).repository()
    const [first] = snapshots
    rmSync(join(path, 'index'), { recursive: true })
    mkdirSync(join(path, 'index'))
    const repository = await open()
    const again = snapshot(repository, { from: first.snapshotId })
    await expect(again).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' })
    expect(await snapshot(repository)).toMatchObject({ filesNew: 4 })
  })

  test('an empty volume gives a snapshot too', async () => {
    const { snapshots } = await given.withSnapshots(1).repository()
    const [seen] = snapshots
    expect(seen).toMatchObject({ files: 0, entries: 1, bytes: 0, empty: true })
  })

  test('files that do not match the parent of another volume are read', async () => {
    const { repository, snapshot, volume, dir, snapshots } = await given
      .files(writeSome)
      .withSnapshots(1)
      .repository()
    const [first] = snapshots
    renameSync(volume, join(dir, 'moved'))
    const second = await snapshot(repository, { from: first.snapshotId, volume: join(dir, 'moved') })
    expect(second).toMatchObject({ filesNew: 4, filesDeleted: 0 })
    expect(second.bytesAdded).toBeLessThan(10_000)
  })
})

describe('content', () => {
  test('one changed MiB in a large file adds little', async () => {
    const { repository, snapshot, volume } = await given.repository()
    writeFileSync(join(volume, 'large'), randomBytes(48 * MIB))
    const first = await snapshot(repository)
    expect(first.bytesAdded).toBeGreaterThan(48 * MIB)
    const fd = openSync(join(volume, 'large'), 'r+')
    writeSync(fd, randomBytes(MIB), 0, MIB, 20 * MIB + 12_345)
    closeSync(fd)
    const second = await snapshot(repository, { from: first.snapshotId })
    expect(second.bytesAdded).toBeGreaterThan(MIB)
    expect(second.bytesAdded).toBeLessThan(8 * MIB)
  })

  test('equal content is stored once, by several threads too', async () => {
    const { repository, snapshot, volume } = await given.repository()
    const content = randomBytes(3 * MIB)
    for (let n = 0; n < 8; n++) writeFileSync(join(volume, `${n}`), content)
    const { bytesAdded, bytes } = await snapshot(repository, { workers: 4 })
    expect(bytes).toBe(24 * MIB)
    expect(bytesAdded).toBeLessThan(3.1 * MIB)
  })

  test('another name of a file is not read again', async () => {
    const { repository, snapshot, volume } = await given.repository()
    writeFileSync(join(volume, 'a'), randomBytes(MIB))
    linkSync(join(volume, 'a'), join(volume, 'b'))
    const bytes: number[] = []
    await snapshot(repository, { onProgress: (progress) => void bytes.push(progress.bytes) })
    expect(Math.max(...bytes)).toBe(MIB)
  })

  test('a huge hole costs nothing', async () => {
    const { repository, snapshot, volume } = await given.repository()
    writeFileSync(join(volume, 'holes'), 'start')
    truncateSync(join(volume, 'holes'), 40 * 1024 * MIB)
    const { bytes, bytesAdded } = await snapshot(repository)
    expect(bytes).toBe(40 * 1024 * MIB)
    expect(bytesAdded).toBeLessThan(500_000)
  })

  test('a file that grows, shrinks or changes while it is read is reported', async () => {
    const { repository, snapshot, volume, treeWarnings } = await given.repository()
    for (const name of ['grows', 'shrinks', 'turns']) writeFileSync(join(volume, name), randomBytes(64 * MIB))
    let done = false
    const onProgress = ({ bytes }: { bytes: number }) => {
      if (done || bytes === 0) return
      done = true
      writeFileSync(join(volume, 'grows'), 'more', { flag: 'a' })
      truncateSync(join(volume, 'shrinks'), MIB)
      utimesSync(join(volume, 'turns'), 1, 1)
    }
    const seen = await snapshot(repository, { onProgress, workers: 4 })
    expect(treeWarnings.toSorted()).toEqual([
      'fault shrinks: shrank while it was read: the rest of it is zeros',
      'fault turns: changed while it was read',
      'note grows: grew while it was read: only its length at the open is kept',
    ])
    expect(seen).toMatchObject({ faults: 2, bytes: 3 * 64 * MIB })
  })
})

describe('order and ending', () => {
  test('an error of describe() stops the run without a snapshot', async () => {
    const { repository, snapshot } = await given.files(writeSome).repository()
    const describe = () => {
      throw new Error('the lock is lost')
    }
    await expect(snapshot(repository, { describe })).rejects.toThrow('the lock is lost')
    expect(await collectIds(repository.listUnpacked('snapshots'))).toEqual([])
  })

  test('a run cancelled in the middle of a file ends at once and without a snapshot', async () => {
    const { repository, snapshot, volume } = await given.repository()
    writeFileSync(join(volume, 'large'), randomBytes(200 * MIB))
    const cancel = new AbortController()
    const onProgress = () => cancel.abort(new Error('cancelled'))
    await expect(snapshot(repository, { signal: cancel.signal, onProgress })).rejects.toThrow('cancelled')
    expect(await collectIds(repository.listUnpacked('snapshots'))).toEqual([])
    expect(await snapshot(repository)).toMatchObject({ files: 1, faults: 0 })
  })

  test('a missing volume is reported', async () => {
    const { repository, snapshot, dir } = await given.repository()
    await expect(snapshot(repository, { volume: join(dir, 'none') })).rejects.toMatchObject({
      code: 'VOLUME_MISSING',
    })
  })

  test('totals are those of the previous snapshot, until they are exceeded', async () => {
    const { repository, snapshot, volume } = await given.files(writeSome).repository()
    const { snapshotId, files, bytes } = await snapshot(repository, { describe: wordsOf })
    const told: SnapshotProgress[] = []
    writeFileSync(join(volume, 'zzz'), 'one more')
    await snapshot(repository, { from: snapshotId, onProgress: (progress) => void told.push(progress) })
    const before = told.filter((progress) => progress.files <= files && progress.bytes <= bytes)
    expect(before.length).toBeGreaterThan(0)
    for (const { bytesTotal, filesTotal } of before) expect([bytesTotal, filesTotal]).toEqual([bytes, files])
    expect(told.at(-1)).toMatchObject({ files: files + 1, bytesTotal: null, filesTotal: null })
  })
})

/** What a caller writes into a snapshot of what it has seen. */
function wordsOf({ files, bytes, entries, root, notKept }: WalkResult): SnapshotDescription {
  return { tags: ['backup=test'], facts: { ...FACTS, files, bytes, entries, root, notKept } }
}

/** Takes what the index tells of packs of data away. */
async function forgetDataPacks(repository: Repository): Promise<void> {
  for (const id of await collectIds(repository.listUnpacked('index'))) {
    const json = (await repository.loadUnpacked('index', id)).toString()
    const packs: { blobs: { type: string }[] }[] = JSON.parse(json).packs
    const trees = packs.filter(({ blobs }) => blobs.every(({ type }) => type === 'tree'))
    await repository.saveUnpacked('index', Buffer.from(JSON.stringify({ packs: trees })))
    await repository.removeUnpacked('index', id)
  }
}

test('nothing is published after the lock of the repository is lost', async () => {
  const { repository, snapshot, path } = await given.files(writeSome).repository()
  let isHeld = true
  const lock = {
    signal: new AbortController().signal,
    async assertHeld() {
      if (!isHeld) throw new BackupdError('REPOSITORY_LOCKED', 'the lock is lost')
    },
  }
  const describe = () => {
    isHeld = false
    return { tags: ['backup=test'], facts: FACTS }
  }
  await expect(snapshot(repository, { lock, describe })).rejects.toMatchObject({ code: 'REPOSITORY_LOCKED' })
  expect(existsSync(join(path, 'snapshots'))).toBe(false)
})
