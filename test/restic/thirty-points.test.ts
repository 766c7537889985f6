import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { forgetSnapshots } from '../../src/restic/prune/forget.ts'
import { prune } from '../../src/restic/prune/prune.ts'
import { volumeTree } from '../../src/restic/read/volume-tree.ts'
import { lockRepository } from '../../src/restic/repository/lock.ts'
import type { Repository } from '../../src/restic/repository/repository.ts'
import { restoreTree } from '../../src/restic/restore/restore-tree.ts'
import { given } from '../support/given.ts'
import { RandomEdits, randomOf } from '../support/random-edits.ts'
import { readSnapshot } from '../support/repository-content.ts'
import { hasRestic } from '../support/restic.ts'
import { compareTrees } from '../support/tree-compare.ts'

const POINTS = 30
const signal = new AbortController().signal
/** What restic 0.14 does not restore: holes, and hard links of anything but files. */
const AS_RESTIC = { ignore: ['allocatedKiB', 'hardLinkOf'] as const }

/** A volume that changes between points, and a copy of what it was at each. */
async function madePoints(seed: number) {
  const world = await given.repository()
  const { repository } = world
  const edits = new RandomEdits(world.volume, seed)
  const points: { id: string; copy: string }[] = []
  edits.start()
  for (let n = 0; n < POINTS; n++) {
    edits.edit(8)
    const from = points.at(-1)?.id
    const { snapshotId, faults } = await world.snapshot(repository, {
      ...(from === undefined ? {} : { from }),
      time: new Date(),
    })
    expect(faults).toBe(0)
    const copy = join(world.dir, `copy-${n}`)
    execFileSync('cp', ['-a', world.volume, copy])
    points.push({ id: snapshotId, copy })
  }
  return { ...world, repository, points }
}

/** What differs between the volume as it was and a point restored. */
async function differences(repository: Repository, point: { id: string; copy: string }): Promise<string[]> {
  const target = `${point.copy}-restored`
  mkdirSync(target)
  const volume = await volumeTree(repository, await readSnapshot(repository, point.id))
  await restoreTree({
    source: repository,
    volume,
    target,
    signal,
    onProgress: () => {},
    onWarning: ({ message }) => {
      throw new Error(message)
    },
  })
  const found = compareTrees(point.copy, target, { ignoreRoot: true })
  rmSync(target, { recursive: true })
  return found
}

const seed = randomInt(2 ** 31)
/** Half a minute where nothing else runs. */
const TIMEOUT_MS = 300_000

test(
  `30 snapshots of a volume that changes at random are restored exactly, with any of the others deleted (seed ${seed})`,
  async ({ skip }) => {
    const { dir, repository, points, open, check, restored } = await madePoints(seed)
    for (const point of points) expect(await differences(repository, point), point.id).toEqual([])

    const random = randomOf(seed)
    const [kept, forgotten] = [points.filter(() => random() < 0.5), new Set(points)]
    for (const point of kept) forgotten.delete(point)
    const acquireLock = ({ exclusive }: { exclusive: boolean }) =>
      lockRepository(repository, { exclusive, dataDir: `${dir}/daemon`, waitMs: 0, signal })
    const ids = [...forgotten].map(({ id }) => id)
    expect((await forgetSnapshots(repository, ids, { acquireLock })).sort()).toEqual(ids.sort())
    const { packsRemoved, bytesUnused } = await prune(repository, {
      acquireLock,
      signal,
      pause: async () => {},
      maxUnused: 0,
      sliceBytes: 1_000_000,
    })
    expect(packsRemoved).toBeGreaterThan(0)
    expect(bytesUnused).toBe(0)

    const pruned = await open()
    await pruned.loadIndex()
    for (const point of kept) expect(await differences(pruned, point), point.id).toEqual([])
    skip(!hasRestic, 'needs restic for its last part')
    expect(check).not.toThrow()
    const last = kept.at(-1)
    if (last)
      expect(
        compareTrees(last.copy, restored(last.id), { ...AS_RESTIC, ignore: [...AS_RESTIC.ignore] }),
      ).toEqual([])
  },
  TIMEOUT_MS,
)
