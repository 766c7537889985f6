import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type TestContext, test } from 'vitest'
import { forgetSnapshots } from '../../src/restic/prune/forget.ts'
import { prune } from '../../src/restic/prune/prune.ts'
import { volumeTree } from '../../src/restic/read/volume-tree.ts'
import { lockRepository } from '../../src/restic/repository/lock.ts'
import type { Repository } from '../../src/restic/repository/repository.ts'
import { restoreTree } from '../../src/restic/restore/restore-tree.ts'
import type { S3Settings } from '../../src/wire/store-settings.ts'
import { describeSwift } from '../support/describe-swift.ts'
import { given } from '../support/given.ts'
import { RandomEdits, randomOf } from '../support/random-edits.ts'
import { readSnapshot } from '../support/repository-content.ts'
import { hasRestic } from '../support/restic.ts'
import { compareTrees } from '../support/tree-compare.ts'

const POINTS = 30
/** Each takes many requests: POINTS_ON_SWIFT=30 for as many as in a folder. */
const POINTS_ON_SWIFT = Number(process.env.POINTS_ON_SWIFT ?? 6)
const signal = new AbortController().signal
/** What restic 0.14 does not restore: holes, and hard links of anything but files. */
const AS_RESTIC = { ignore: ['allocatedKiB', 'hardLinkOf'] as const }

/** A volume that changes between points, and a copy of what it was at each. */
async function madePoints(seed: number, { count, bucket }: { count: number; bucket?: S3Settings }) {
  const world = await given.repository({ bucket })
  const { repository } = world
  const edits = new RandomEdits(world.volume, seed)
  const points: { id: string; copy: string }[] = []
  edits.start()
  for (let n = 0; n < count; n++) {
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

const WHAT = `snapshots of a volume that changes at random are restored exactly, with any of the others deleted (seed ${seed})`

test(`${POINTS} ${WHAT}`, async ({ skip }) => await proveAll(skip, { count: POINTS }), TIMEOUT_MS)

describeSwift('in a bucket of a real Swift', (place) => {
  test(
    `${POINTS_ON_SWIFT} ${WHAT}`,
    async ({ skip }) => await proveAll(skip, { count: POINTS_ON_SWIFT, bucket: place.settings }),
    12 * TIMEOUT_MS,
  )
})

async function proveAll(
  skip: TestContext['skip'],
  where: { count: number; bucket?: S3Settings },
): Promise<void> {
  const { dir, repository, points, open, check, restored } = await madePoints(seed, where)
  for (const point of points) expect(await differences(repository, point), point.id).toEqual([])

  const random = randomOf(seed)
  // Whatever the dice say, one is forgotten and one is kept.
  const isKept = (n: number) => n === points.length - 1 || (n !== 1 && random() < 0.5)
  const [kept, forgotten] = [points.filter((_, n) => isKept(n)), new Set(points)]
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
}
