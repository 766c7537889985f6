import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { resolveVolume } from '../../src/volume/allowed-paths.ts'
import { holdRealPath } from '../../src/volume/held-volume.ts'
import { beginSwap } from '../../src/volume/swap/begin-swap.ts'
import { readChildren } from '../../src/volume/swap/journal.ts'
import { moveListed } from '../../src/volume/swap/moves.ts'
import * as inPlace from '../../src/volume/swap/put-in-place.ts'
import { settleJournals } from '../../src/volume/swap/settle.ts'
import { discardStaging, prepareStaging, type Staging } from '../../src/volume/swap/staging.ts'
import * as wholeSwap from '../../src/volume/swap/swap.ts'
import { openSwapFolders } from '../../src/volume/swap/swap-folders.ts'
import { isProtected } from '../../src/volume/swap/unprotect.ts'
import { claimVolume } from '../../src/volume/swap/volume-claim.ts'
import { countOutcomes } from '../support/flip.ts'
import { given } from '../support/given.ts'
import { recoverArgs } from '../support/plugin-args.ts'
import { raceRecovers } from '../support/races.ts'
import { noFlags, run } from '../support/refused-renames.ts'
import { makeSwappableVolume, noSwaps } from '../support/swapped-directory.ts'
import { FAST_DIR } from '../support/temp-dir.ts'

const ROUNDS = 200
const PATIENCE_MS = 240_000
const notRoot = process.getuid?.() === 0 ? undefined : 'only root can give a directory to others'

/** Its folders lie in memory, if possible: each round syncs. */
async function prepare(anchor: 'trusted' | 'untrusted' = 'trusted') {
  const daemon = await given.plugins({ parent: FAST_DIR })
  return { ...daemon, ...makeSwappableVolume(daemon, anchor) }
}

describe.skipIf(noSwaps)(
  `a directory above the volume changes places with a link (${noSwaps ?? 'races'})`,
  () => {
    // A series grows with each round, and is read in the next: fewer of them.
    test.each([
      ['full', ROUNDS],
      ['increment', ROUNDS / 4],
    ])('no backup contains files from elsewhere (%s)', { timeout: PATIENCE_MS }, async (mode, rounds) => {
      const world = await prepare()
      await world.flip()
      const outcomes = await countOutcomes(rounds, async () => {
        const { state, result } = await world.backUp({ mode, path: world.volume })
        expect(result.backup).toMatchObject({ files: 1, bytes: 3 })
        return state
      })
      expectRefusedOr('success', outcomes)
      world.expectHostUntouched()
    })

    test.each([
      ['all of it', swapIn],
      ['single files', putInPlace],
    ])('no recover writes elsewhere (%s)', { timeout: PATIENCE_MS }, async (_, put) => {
      const world = await prepare()
      const { volume, settings } = world
      await world.flip()
      let number = 0
      const outcomes = await countOutcomes(ROUNDS, async () => {
        using held = await resolveVolume(volume, settings)
        await using claim = await claimVolume(settings.dataDir, volume)
        await using staging = await prepareStaging(claim, { rid: `rid-${number++}`, volume: held })
        writeFileSync(`${staging.target}/own`, `recovered ${number}`)
        await put(staging)
        await discardStaging(staging)
        expect(readFileSync(`${held.place}/own`, 'utf8')).toBe(`recovered ${number}`)
        return 'success'
      })
      expectRefusedOr('success', outcomes)
      world.expectHostUntouched()
      expect(pointersIn(world.dataDir)).toEqual([])
    })

    test.each([
      ['recover', null, false],
      ['recover of single files', ['own'], false],
      ['migration', null, true],
    ])(
      'the action does not write elsewhere (%s)',
      { timeout: PATIENCE_MS },
      async (_, files, isMigration) => {
        const world = await prepare()
        const { result } = await world.backUp(isMigration ? {} : { path: world.volume })
        await raceActions(world, { ...recoverArgs(result.file ?? ''), files })
      },
    )

    test.skipIf(noFlags)(
      `a copy in place does not write elsewhere (${noFlags ?? 'needs chattr'})`,
      { timeout: PATIENCE_MS },
      async () => {
        const world = await prepare()
        const places = world.names.map((name) => join(name, 'y/ssl/own'))
        onTestFinished(() => places.forEach((place) => void spawnSync('chattr', ['-i', place])))
        run('chattr', '+i', join(world.volume, 'own'))
        const { result } = await world.backUp({ path: world.volume })
        await raceActions(world, { ...recoverArgs(result.file ?? ''), onRefusedRename: 'in-place' })
        expect(places.some((place) => isProtected(Buffer.from(place)))).toBe(true)
      },
    )

    test.skipIf(noFlags)(
      `a copy in place does not write elsewhere if directories in the volume change places (${noFlags ?? 'needs chattr'})`,
      { timeout: PATIENCE_MS },
      async () => {
        const world = await prepare()
        const { volume, settings, host } = world
        const own = join(volume, 'own')
        onTestFinished(() => void spawnSync('chattr', ['-i', own]))
        run('chattr', '+i', own)
        mkdirSync(join(volume, 'd/y/ssl'), { recursive: true })
        writeFileSync(join(volume, 'd/y/ssl/own'), 'own')
        const { result } = await world.backUp({ path: volume })
        const args = { ...recoverArgs(result.file ?? ''), destDir: volume, onRefusedRename: 'in-place' }
        const names = [join(volume, 'd'), join(volume, 'z')] as const
        const order = { names, target: host, rounds: ROUNDS, settings }
        const outcomes = await raceRecovers({ ...order, args: { ...args, inUse: 'proceed' } })
        const { success = 0, partial, SYSTEM_REFUSED, VOLUME_LOCKED, ...others } = outcomes
        expect(others).toEqual({})
        expect(success).toBeGreaterThan(0)
        world.expectHostUntouched()
      },
    )

    test.skipIf(notRoot).each([
      ['recover', null],
      ['recover of single files', ['own']],
    ])(
      `no backup or recover is redirected if others own a directory above what is allowed (%s) (${notRoot ?? 'needs root'})`,
      { timeout: PATIENCE_MS },
      async (_, files) => {
        const world = await prepare('untrusted')
        const { result } = await world.backUp({ path: world.volume })
        await raceActions(world, { ...recoverArgs(result.file ?? ''), files })
      },
    )

    test.skipIf(notRoot)(
      `a backup contains no files from elsewhere if directories in the volume change places (${notRoot ?? 'needs root'})`,
      { timeout: PATIENCE_MS },
      async () => {
        const world = await prepare('untrusted')
        await world.flip()
        const outcomes = await countOutcomes(ROUNDS, async () => {
          const { state, result } = await world.backUp({ path: world.volume })
          expect(result.backup).toMatchObject({ files: 1, bytes: 3 })
          return state
        })
        expectRefusedOr('success', outcomes)
      },
    )

    test('an interrupted swap is not settled elsewhere', { timeout: PATIENCE_MS }, async () => {
      const world = await prepare()
      const { dataDir, volume } = world
      await world.flip()
      let number = 0
      await stopHalfWay({ dataDir, volume, rid: `rid-${number++}` })
      for (let settled = 0; settled < ROUNDS; ) {
        if (pointersIn(dataDir).length === 0) await stopHalfWay({ dataDir, volume, rid: `rid-${number++}` })
        else settled += (await settleJournals(dataDir)).settled.length
        world.expectHostUntouched()
      }
      using held = await holdAtLast(volume)
      expect(readFileSync(`${held.place}/own`, 'utf8')).toBe('own')
      expect(readdirSync(held.parent)).toEqual(['ssl'])
    })
  },
)

type World = Awaited<ReturnType<typeof prepare>>

/** Whole recovers, as a daemon runs them. */
async function raceActions(world: World, args: object): Promise<void> {
  const { names, settings, volume } = world
  const order = { ...args, destDir: volume, inUse: 'proceed' }
  expectRefusedOr('success', await raceRecovers({ names, rounds: ROUNDS, settings, args: order }))
  world.expectHostUntouched()
  expect(pointersIn(world.dataDir)).toEqual([])
}

function expectRefusedOr(
  good: string,
  { [good]: good_ = 0, FORBIDDEN = 0, ...others }: Record<string, number>,
) {
  expect(others).toEqual({})
  expect(good_).toBeGreaterThan(0)
  expect(FORBIDDEN).toBeGreaterThan(0)
}

const { signal } = new AbortController()
const NOBODY = { signal, warn: () => {}, onRefused: () => {}, onWarning: () => {} }

async function swapIn(staging: Staging): Promise<void> {
  await wholeSwap.swapIn(staging, { ...NOBODY, root: null })
}

async function putInPlace(staging: Staging): Promise<void> {
  expect(await inPlace.putInPlace({ ...NOBODY, staging, isChosen: () => true })).toEqual({ faults: 0 })
}

function pointersIn(dataDir: string): string[] {
  return readdirSync(join(dataDir, 'recovers')).filter((name) => name.endsWith('.json'))
}

/** Until the directory is where it belongs. */
async function holdAtLast(path: string) {
  for (;;) {
    try {
      return holdRealPath(path)
    } catch {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

/** What a run leaves that was killed when all of the old content was out of the volume. */
async function stopHalfWay({ dataDir, volume, rid }: { dataDir: string; volume: string; rid: string }) {
  using held = await holdAtLast(volume)
  await using claim = await claimVolume(dataDir, volume)
  await using staging = await prepareStaging(claim, { rid, volume: held })
  writeFileSync(`${staging.target}/new`, 'new')
  await using folders = await openSwapFolders(staging.pointer, held)
  const header = await beginSwap(staging, folders, { root: null })
  const moving = { folders, header, appeared: () => {}, moved: () => {} }
  await moveListed(moving, { side: 'old', from: folders.volume, to: folders.old })
  expect((await Array.fromAsync(readChildren(folders.staging, 'old'))).length).toBe(1)
}
