import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { bytesToText } from '../../../src/lib/byte-paths.ts'
import { withProtectedList } from '../../../src/volume/swap/protected-list.ts'
import { putInPlace } from '../../../src/volume/swap/put-in-place.ts'
import { settleJournals } from '../../../src/volume/swap/settle.ts'
import { discardStaging, prepareStaging } from '../../../src/volume/swap/staging.ts'
import { claimVolume } from '../../../src/volume/swap/volume-claim.ts'
import { chosenPaths } from '../../../src/volume/tree/chosen-paths.ts'
import { given } from '../../support/given.ts'
import { heldVolume } from '../../support/held-volume.ts'
import { noFlags, run } from '../../support/refused-renames.ts'
import { fillOld, RID } from '../../support/swap-content.ts'
import { describeTree } from '../../support/tree-compare.ts'

/** A volume with nothing in it, and a staging that `fill` fills. */
async function makePlacing(fill: (target: string) => void) {
  const world = given.volume('/data/db').files(fillOld).onDisk()
  rmSync(world.volume, { recursive: true })
  mkdirSync(world.volume)
  const claim = await claimVolume(world.dataDir, world.volume)
  const staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
  fill(staging.target)
  const place = async (chosen: string[], signal = new AbortController().signal) => {
    const warnings: string[] = []
    const wanted = chosenPaths(chosen.map((path) => Buffer.from(path)))
    try {
      const { faults } = await putInPlace({
        staging,
        signal,
        isChosen: (path) => wanted.of(path) === 'all',
        onWarning: ({ path, message }) => warnings.push(`${bytesToText(path)}: ${message}`),
      })
      return { faults, warnings }
    } finally {
      await discardStaging(staging)
      await staging[Symbol.asyncDispose]()
      await claim[Symbol.asyncDispose]()
    }
  }
  const textOf = (path: string) => readFileSync(join(world.volume, path), 'utf8')
  return { ...world, place, textOf }
}

it('replaces chosen entries, adds missing ones, and leaves the rest alone', async () => {
  const world = await makePlacing((target) => {
    mkdirSync(join(target, 'sub/new'), { recursive: true })
    chmodSync(join(target, 'sub'), 0o711)
    for (const path of ['file', 'sub/old', 'sub/new/x'])
      writeFileSync(join(target, path), `recovered ${path}`)
    utimesSync(join(target, 'sub'), 1000, 1000)
  })
  mkdirSync(join(world.volume, 'sub'), { mode: 0o700 })
  for (const path of ['file', 'other', 'sub/old', 'sub/kept'])
    writeFileSync(join(world.volume, path), 'was there')
  expect(await world.place(['file', 'sub'])).toEqual({ faults: 0, warnings: [] })
  const paths = ['file', 'other', 'sub/old', 'sub/kept', 'sub/new/x']
  expect(Object.fromEntries(paths.map((path) => [path, world.textOf(path)]))).toEqual({
    file: 'recovered file',
    other: 'was there',
    'sub/old': 'recovered sub/old',
    'sub/kept': 'was there',
    'sub/new/x': 'recovered sub/new/x',
  })
  const sub = lstatSync(join(world.volume, 'sub'))
  expect([sub.mode & 0o777, sub.mtimeMs]).toEqual([0o711, 1_000_000])
  expect(readdirSync(world.parent)).toEqual(['db'])
})

it('leaves folders on the way as they are', async () => {
  const world = await makePlacing((target) => {
    mkdirSync(join(target, 'way'), { mode: 0o755 })
    writeFileSync(join(target, 'way/x'), 'x')
  })
  mkdirSync(join(world.volume, 'way'), { mode: 0o700 })
  expect(await world.place(['way/x'])).toEqual({ faults: 0, warnings: [] })
  expect(lstatSync(join(world.volume, 'way')).mode & 0o777).toBe(0o700)
  expect(world.textOf('way/x')).toBe('x')
})

it('replaces an entry of another type if its name was chosen', async () => {
  const world = await makePlacing((target) => {
    writeFileSync(join(target, 'a'), 'a file')
    mkdirSync(join(target, 'b'))
    writeFileSync(join(target, 'b/in'), 'in')
    symlinkSync('a', join(target, 'c'))
  })
  mkdirSync(join(world.volume, 'a'))
  writeFileSync(join(world.volume, 'b'), 'was a file')
  writeFileSync(join(world.volume, 'c'), 'was a file')
  expect(await world.place([''])).toEqual({ faults: 0, warnings: [] })
  const tree = describeTree(world.volume)
  expect([...tree].map(([path, { type }]) => `${path} ${type}`).sort()).toEqual(
    [' directory', 'a file', 'b directory', 'b/in file', 'c symlink'].sort(),
  )
  expect(readdirSync(world.parent)).toEqual(['db'])
})

it('leaves a folder that is not empty alone where a file should be', async () => {
  const world = await makePlacing((target) => {
    writeFileSync(join(target, 'a'), 'a file')
    writeFileSync(join(target, 'b'), 'b')
  })
  mkdirSync(join(world.volume, 'a/full'), { recursive: true })
  expect(await world.place([''])).toEqual({
    faults: 1,
    warnings: ['a: is a directory in the volume that is not empty: it was left as it is'],
  })
  expect(readdirSync(join(world.volume, 'a'))).toEqual(['full'])
  expect(world.textOf('b')).toBe('b')
  expect(readdirSync(world.parent)).toEqual(['db'])
})

it('never follows or removes a link in the way', async () => {
  const world = await makePlacing((target) => {
    mkdirSync(join(target, 'way'))
    writeFileSync(join(target, 'way/x'), 'x')
    writeFileSync(join(target, 'good'), 'good')
  })
  const outside = join(world.base, 'outside')
  mkdirSync(outside)
  symlinkSync(outside, join(world.volume, 'way'))
  expect(await world.place(['way/x', 'good'])).toEqual({
    faults: 1,
    warnings: ['way: is not a directory in the volume, so its content was left out'],
  })
  expect(readdirSync(outside)).toEqual([])
  expect(lstatSync(join(world.volume, 'way')).isSymbolicLink()).toBe(true)
  expect(world.textOf('good')).toBe('good')
})

it('stops between two names on request, and leaves nothing behind', async () => {
  const world = await makePlacing((target) => {
    for (let n = 0; n < 10; n++) writeFileSync(join(target, String(n)), 'x')
  })
  const reason = new Error('enough')
  await expect(world.place([''], AbortSignal.abort(reason))).rejects.toBe(reason)
  expect([readdirSync(world.volume), readdirSync(world.parent)]).toEqual([[], ['db']])
  expect(await settleJournals(world.dataDir)).toEqual({ settled: [], locked: [], warnings: [] })
})

it.skipIf(noFlags)(
  `leaves the flags of folders on the way as they are (${noFlags ?? 'needs chattr'})`,
  async () => {
    const APPEND_ONLY = 0x20
    const world = await makePlacing((target) => {
      mkdirSync(join(target, 'way/chosen'), { recursive: true })
    })
    mkdirSync(join(world.volume, 'way/chosen'), { recursive: true })
    const flagsOf = (path: string) =>
      execFileSync('lsattr', ['-d', join(world.volume, path)], { encoding: 'utf8' }).split(' ')[0]
    await withProtectedList(`${world.parent}/.backupd-recover-${RID}`, async (list) => {
      for (const path of ['way', 'way/chosen']) list.add(Buffer.from(path), APPEND_ONLY)
    })
    onTestFinished(() => run('chattr', '-R', '-a', world.volume))
    expect(await world.place(['way/chosen'])).toEqual({ faults: 0, warnings: [] })
    expect(flagsOf('way/chosen')).toContain('a')
    expect(flagsOf('way')).not.toContain('a')
  },
)
