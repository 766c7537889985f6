import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { localDriver } from '../../../src/objects/drivers/local.ts'
import { forgetSnapshots } from '../../../src/restic/prune/forget.ts'
import { type PruneOptions, type PruneProgress, prune } from '../../../src/restic/prune/prune.ts'
import { listPacks, packName } from '../../../src/restic/repository/layout.ts'
import { type FaultyDriver, faultyDriver } from '../../support/faulty-driver.ts'
import type { GivenRepository } from '../../support/given/repository.ts'
import { given } from '../../support/given.ts'
import { addSnapshot, collectIds } from '../../support/repository-content.ts'
import { hasRestic } from '../../support/restic.ts'

/** Nobody else is there. */
const acquireLock: PruneOptions['acquireLock'] = async () => ({
  signal: new AbortController().signal,
  async assertHeld() {},
  async [Symbol.asyncDispose]() {},
})

function optionsOf(more: Partial<PruneOptions> = {}): PruneOptions {
  return { acquireLock, signal: new AbortController().signal, pause: async () => {}, ...more }
}

/** Contents that compress by nothing, the same each time. */
function content(seed: string, bytes: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(bytes / 64) }, (_, at) =>
    createHash('sha512').update(`${seed} ${at}`).digest(),
  )
  return Buffer.concat(blocks).subarray(0, bytes)
}

/** `points` snapshots; each keeps `shared`, and has files of its own. */
async function makePoints(world: GivenRepository, points: number, bytes = 300_000): Promise<string[]> {
  const ids: string[] = []
  for (let point = 0; point < points; point++) {
    const repository = await world.open()
    await repository.loadIndex()
    ids.push(
      await addSnapshot(repository, {
        shared: content('shared', bytes),
        [`own-${point}`]: content(`own ${point}`, bytes),
        [`with-next-${point}`]: content(`pair ${point}`, bytes),
        [`with-next-${point - 1}`]: content(`pair ${point - 1}`, bytes),
      }),
    )
  }
  return ids
}

async function bytesOf(world: GivenRepository): Promise<number> {
  let bytes = 0
  for await (const { size } of listPacks(world.place)) bytes += size
  return bytes
}

/** What restic restores of a snapshot, by name. */
function restored(world: GivenRepository, id: string): Map<string, Buffer> {
  const target = join(world.dir, 'restored')
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target)
  world.restic('restore', '--no-lock', id, '--target', target)
  const names = world
    .restic('ls', '--no-lock', id)
    .split('\n')
    .filter((line) => line.startsWith('/'))
  return new Map(names.map((name) => [name, readFileSync(join(target, name))]))
}

describe.skipIf(!hasRestic)('forget and prune (needs restic)', () => {
  it.each([[[0, 1, 2]], [[1, 3]], [[5]], [[0, 1, 2, 3, 4, 5]], [[]]])(
    'keeps the other snapshots intact when %j of six are forgotten, and frees their room',
    async (forgotten) => {
      const world = await given.repository()
      const ids = await makePoints(world, 6)
      const kept = ids.filter((_, at) => !forgotten.includes(at))
      const before = new Map(kept.map((id) => [id, restored(world, id)]))
      const bytes = await bytesOf(world)

      const repository = await world.open()
      const gone = await forgetSnapshots(
        repository,
        forgotten.map((at) => ids[at] ?? ''),
        { acquireLock },
      )
      expect(gone.toSorted()).toEqual(forgotten.map((at) => ids[at] ?? '').toSorted())
      const summary = await prune(repository, optionsOf({ maxUnused: 0, sliceBytes: 400_000 }))

      expect(world.warnings).toEqual([])
      world.check()
      expect(await collectIds(repository.listUnpacked('snapshots'))).toEqual(kept.toSorted())
      for (const id of kept) expect(restored(world, id)).toEqual(before.get(id))
      expect(summary.bytesUnused).toBe(0)
      const bytesLeft = await bytesOf(world)
      if (forgotten.length > 0) expect(bytesLeft).toBeLessThan(bytes - 250_000 * forgotten.length)
      else expect(bytesLeft).toBe(bytes)
      // restic finds nothing more to be rid of; it only puts packs together, which saves their headers.
      world.restic('prune', '--max-unused', '0')
      if (kept.length > 0) expect(await bytesOf(world)).toBeGreaterThan(bytesLeft - 5_000)
    },
  )

  it.each([0, 0.05])(
    'says before the first slice how much it frees, if a share of %d may stay',
    async (maxUnused) => {
      const world = await given.repository()
      const ids = await makePoints(world, 6)
      const repository = await world.open()
      await forgetSnapshots(repository, ids.slice(0, 3), { acquireLock })
      const told: PruneProgress[] = []
      const onProgress = (progress: PruneProgress) => told.push(progress)
      const { bytesFreed } = await prune(
        repository,
        optionsOf({ maxUnused, sliceBytes: 400_000, onProgress }),
      )
      expect(told[0]?.bytesFreed).toBe(0)
      expect(told.length).toBeGreaterThan(2)
      const expected = told[0]?.bytesExpected ?? 0
      expect(expected).toBeGreaterThan(900_000)
      // All waste goes, or else whole packs, the last of which may have more waste than had to go.
      expect(bytesFreed - expected).toBeGreaterThanOrEqual(0)
      expect(bytesFreed - expected).toBeLessThanOrEqual(maxUnused === 0 ? 0 : 1_200_000)
      expect(told.every((one) => one.bytesExpected >= one.bytesFreed)).toBe(true)
      expect(told.at(-1)).toEqual({ bytesFreed, bytesExpected: bytesFreed })
    },
  )

  it('keeps what a backup between two slices used again', async () => {
    const world = await given.repository()
    const ids = await makePoints(world, 4)
    const repository = await world.open()
    await forgetSnapshots(repository, ids.slice(0, 3), { acquireLock })
    let late = ''
    const pause = async () => {
      if (late !== '') return
      const other = await world.open()
      await other.loadIndex()
      const file = {
        again: content('pair 3', 300_000),
        'own-3': content('own 3', 300_000),
        other: content('new', 9),
      }
      late = await addSnapshot(other, file)
    }
    await prune(repository, optionsOf({ maxUnused: 0, sliceBytes: 1, pause }))
    world.check()
    expect(restored(world, late).get('/again')).toEqual(content('pair 3', 300_000))
  })

  it('interrupted at any store call, it leaves an intact repository, and the next prune completes it', async () => {
    const world = await given.repository()
    const ids = await makePoints(world, 3, 60_000)
    await forgetSnapshots(await world.open(), ids.slice(0, 1), { acquireLock })
    const template = join(world.dir, 'template')
    cpSync(world.path, template, { recursive: true })
    const calls = await countCalls(world, template)
    expect(calls).toBeGreaterThan(20)
    for (let nth = 1; nth <= calls; nth += Math.ceil(calls / 12)) {
      rmSync(world.path, { recursive: true })
      cpSync(template, world.path, { recursive: true })
      await expect(pruneWith(world, (driver) => driver.crash('any').at(nth))).rejects.toThrow(
        'Crashed as ordered',
      )
      world.check()
      const repository = await world.open()
      const summary = await prune(repository, optionsOf({ maxUnused: 0, sliceBytes: 50_000 }))
      expect(summary.bytesUnused).toBe(0)
      world.check()
      expect(restored(world, ids[1] ?? '').size).toBe(4)
    }
  })

  it('deletes nothing if a needed tree is damaged, or a pack is missing', async () => {
    const world = await given.repository()
    const ids = await makePoints(world, 2)
    await forgetSnapshots(await world.open(), ids.slice(0, 1), { acquireLock })
    await prune(await world.open(), optionsOf({ maxUnused: 0 }))
    const packs = await Array.fromAsync(listPacks(world.place))
    expect(packs.length).toBeGreaterThan(1)
    for (const { id } of packs) {
      const file = join(world.dir, packName(world.place, id))
      const whole = readFileSync(file)
      rmSync(file)
      const code = await prune(await world.open(), optionsOf()).catch((error) => error.code)
      expect(['REPOSITORY_DAMAGED', 'SNAPSHOT_CORRUPT']).toContain(code)
      writeFileSync(file, whole)
    }
    world.check()
    expect(restored(world, ids[1] ?? '').size).toBe(4)
  })

  it('merges the many small packs of small runs', async () => {
    const world = await given.repository()
    const repository = await world.open()
    await repository.loadIndex()
    for (let run = 0; run < 70; run++)
      await addSnapshot(repository, { [`f${run}`]: content(`small ${run}`, 1000) })
    const before = (await Array.fromAsync(listPacks(world.place))).length
    expect(before).toBe(140)
    await prune(await world.open(), optionsOf())
    expect((await Array.fromAsync(listPacks(world.place))).length).toBeLessThan(10)
    world.check()
  })
})

async function pruneWith(
  world: GivenRepository,
  order: (driver: FaultyDriver) => unknown,
): Promise<FaultyDriver> {
  const driver = faultyDriver(localDriver(world.dir))
  const repository = await world.open(undefined, driver)
  order(driver)
  await prune(repository, optionsOf({ maxUnused: 0, sliceBytes: 50_000 }))
  return driver
}

async function countCalls(world: GivenRepository, template: string): Promise<number> {
  let before = 0
  const driver = await pruneWith(world, (faulty) => {
    before = faulty.calls.length
  })
  rmSync(world.path, { recursive: true })
  cpSync(template, world.path, { recursive: true })
  return driver.calls.length - before
}
