import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { treeBatches } from '../../src/restic/read/tree-source.ts'
import { volumeTree } from '../../src/restic/read/volume-tree.ts'
import type { Repository } from '../../src/restic/repository/repository.ts'
import type { SnapshotSummary } from '../../src/restic/write/snapshot-input.ts'
import { itOnExt4 } from '../support/ext4.ts'
import { given } from '../support/given.ts'
import { packTo, untar } from '../support/packing.ts'
import { parentOf } from '../support/repository-content.ts'
import { hasRestic } from '../support/restic.ts'
import { tempDir } from '../support/temp-dir.ts'

const BIG = 4 << 20
const NOTE =
  /^note (\w)\/y\d: is stored as a separate file, not as a hard link of "\w\/x\d": that file changed or was replaced meanwhile$/

/** Deletes the pair x1, x2 and makes the pair y1, y2, which gets its inode. */
function replacePair(oldFolder: string, newFolder: string): void {
  const { ino } = statSync(join(oldFolder, 'x1'))
  rmSync(join(oldFolder, 'x1'))
  rmSync(join(oldFolder, 'x2'))
  writeFileSync(join(newFolder, 'y1'), 'NEWNEWNEW')
  linkSync(join(newFolder, 'y1'), join(newFolder, 'y2'))
  expect(statSync(join(newFolder, 'y1')).ino).toBe(ino)
}

function makePair(folder: string): void {
  writeFileSync(join(folder, 'x1'), 'OLDOLDOLD')
  linkSync(join(folder, 'x1'), join(folder, 'x2'))
}

describe('a hard-linked pair with the inode of a deleted one is read correctly', () => {
  itOnExt4('keeps its own content in a full backup, and stays a pair', async (dir) => {
    const volume = join(dir, 'v')
    for (const name of ['a', 'b', 'c']) mkdirSync(join(volume, name), { recursive: true })
    const out = tempDir(tmpdir())
    const [first = '', middle = '', last = ''] = await folderOrder(volume, join(out, 'probe'))
    makePair(join(volume, first))
    writeFileSync(join(volume, middle, 'big'), Buffer.alloc(BIG, 1))
    let isReplaced = false
    const { archive, summary, warnings } = await packTo(join(out, 'archive'), volume, {
      onProgress({ path }) {
        if (isReplaced || path.toString() !== `${middle}/big`) return
        isReplaced = true
        replacePair(join(volume, first), join(volume, last))
      },
    })
    await untar(archive, out)
    expect(readFileSync(join(out, 'v', first, 'x2'), 'utf8')).toBe('OLDOLDOLD')
    expect(readFileSync(join(out, 'v', last, 'y1'), 'utf8')).toBe('NEWNEWNEW')
    expect(readFileSync(join(out, 'v', last, 'y2'), 'utf8')).toBe('NEWNEWNEW')
    expect(statSync(join(out, 'v', last, 'y1')).ino).toBe(statSync(join(out, 'v', last, 'y2')).ino)
    expect(statSync(join(out, 'v', first, 'x1')).ino).not.toBe(statSync(join(out, 'v', last, 'y1')).ino)
    expect(summary.faults).toBe(0)
    expect(warnings).toEqual([expect.stringMatching(NOTE)])
  })

  itOnExt4('has links of its own in no snapshot that saw both, and is a pair in the next', async (dir) => {
    const { repository, volume, first, world } = await snapshotWhileReplaced(dir)
    expect(first.faults).toBe(0)
    expect(world.treeWarnings).toEqual([expect.stringMatching(NOTE), expect.stringMatching(NOTE)])
    const { ino } = statSync(join(volume, 'c/y1'))
    expect(await linksOf(repository, first, volume)).toEqual({
      x1: [ino, 2],
      x2: [ino, 2],
      y1: [ino, 1],
      y2: [ino, 1],
    })
    const second = await world.snapshot(repository, { volume, from: first.snapshotId })
    expect(second).toMatchObject({ filesNew: 0, filesChanged: 0, bytesRead: 0 })
    expect(await linksOf(repository, second, volume)).toEqual({ y1: [ino, 2], y2: [ino, 2] })
  })

  itOnExt4(
    'is restored by restic with its own content',
    async (dir) => {
      const { volume, first, world } = await snapshotWhileReplaced(dir)
      const target = join(world.dir, 'restored')
      world.restic('restore', first.snapshotId, '--target', target)
      expect(readFileSync(join(target, volume, 'a/x2'), 'utf8')).toBe('OLDOLDOLD')
      expect(readFileSync(join(target, volume, 'c/y1'), 'utf8')).toBe('NEWNEWNEW')
      expect(readFileSync(join(target, volume, 'c/y2'), 'utf8')).toBe('NEWNEWNEW')
    },
    hasRestic ? undefined : 'restic is not installed',
  )
})

/** A snapshot of folders a, b and c; a pair in `a` is replaced by one in `c` when `a` was read and `b` is next. */
async function snapshotWhileReplaced(dir: string) {
  const world = await given.repository()
  const volume = join(dir, 'v')
  for (const name of ['a', 'b', 'c']) mkdirSync(join(volume, name), { recursive: true })
  makePair(join(volume, 'a'))
  const { repository } = world
  let isReplaced = false
  const first = await world.snapshot(repository, {
    volume,
    onProgress({ path }) {
      if (isReplaced || path.toString() !== 'b') return
      isReplaced = true
      replacePair(join(volume, 'a'), join(volume, 'c'))
    },
  })
  expect(isReplaced).toBe(true)
  return { world, volume, repository, first }
}

/** Inode and link count of each file in a snapshot, by name. */
async function linksOf(repository: Repository, { snapshotId }: SnapshotSummary, volume: string) {
  const { snapshot } = await parentOf(repository, snapshotId)
  const found: Record<string, [number, number]> = {}
  const trees = [(await volumeTree(repository, snapshot, volume)).tree]
  for (let tree = trees.pop(); tree; tree = trees.pop()) {
    for await (const nodes of treeBatches(repository, tree)) {
      for (const { name, entry, subtree } of nodes) {
        if (subtree) trees.push(subtree)
        else found[name.toString()] = [Number(entry.inode), entry.links]
      }
    }
  }
  return found
}

/** In which order the folders of a volume are read. */
async function folderOrder(volume: string, archive: string): Promise<string[]> {
  const order: string[] = []
  await packTo(archive, volume, { onProgress: ({ path }) => void order.push(path.toString()) })
  return order.filter((path) => path !== '')
}
