import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { settleJournals } from '../../src/volume/swap/settle.ts'
import type { Progress } from '../../src/wire/record.ts'
import { given } from '../support/given.ts'
import { recoverUntil } from '../support/recover-until.ts'
import {
  mountOverlay,
  mountWithProjects,
  noFlags,
  noOverlay,
  noProjects,
  run,
} from '../support/refused-renames.ts'
import { contentOf, fillNew, fillOld, RID } from '../support/swap-content.ts'
import { tempDir } from '../support/temp-dir.ts'
import { compareTrees } from '../support/tree-compare.ts'

const shop = given.app('shop').proc('web').volume('/data/db')

const IN_PLACE = { onRefusedRename: 'in-place' }
const COPIED = expect.stringMatching(/refuses to move .*copied in place as requested.*cannot be undone/)

/** What a volume may hold: modes, links of both kinds, holes, odd names, empty directories. */
function fill(volume: string): void {
  mkdirSync(join(volume, 'below/deep/empty'), { recursive: true })
  writeFileSync(join(volume, 'below/file'), 'as it was')
  writeFileSync(join(volume, 'below/deep/secret'), 'x', { mode: 0o640 })
  linkSync(join(volume, 'below/file'), join(volume, 'below/linked'))
  symlinkSync('/etc/passwd', join(volume, 'below/link'))
  run('truncate', '-s', '5M', join(volume, 'hole'))
  run('setfattr', '-n', 'user.note', '-v', 'kept', join(volume, 'below'))
  run('touch', '-d', '2001-02-03T04:05:06.789012345Z', join(volume, 'below/deep'), volume)
  chmodSync(join(volume, 'below'), 0o2755)
}

/** Content of other kinds, and more of it. */
function change(volume: string): void {
  rmSync(join(volume, 'below/link'))
  mkdirSync(join(volume, 'below/link/full'), { recursive: true })
  rmSync(join(volume, 'below/deep'), { recursive: true })
  writeFileSync(join(volume, 'below/deep'), 'a file now')
  writeFileSync(join(volume, 'below/file'), 'changed')
  mkdirSync(join(volume, 'added/inner'), { recursive: true })
  writeFileSync(join(volume, 'added/inner/file'), 'not in the backup')
  symlinkSync('/etc', join(volume, 'leads out'))
  run('setfattr', '-n', 'user.other', '-v', 'x', join(volume, 'below'))
}

/** Backs up a volume, changes it, recovers it in place, and compares. */
async function recoverChanged(volume: string, mode: 'full' | 'increment', root: string): Promise<void> {
  const { base, settings, backUp, recover } = await shop.plugins()
  fill(volume)
  const copy = join(base, 'copy')
  run('cp', '-a', volume, copy)
  const world = { settings: { ...settings, allowPaths: [root] } }
  const { result } = await backUp({ path: volume, mode }, world)
  change(volume)
  const args = { destDir: volume, ...IN_PLACE }
  const phases = new Set<string | undefined>()
  const progress = ({ phase }: Partial<Progress>) => void phases.add(phase)
  const ran = await recover(result.file ?? '', args, { ...world, progress })
  expect(ran).toMatchObject({ state: 'success', warnings: [COPIED] })
  expect(phases).toContain('copy')
  expect(compareTrees(copy, volume)).toEqual([])
  expect(readdirSync(join(settings.dataDir, 'recovers')).filter((name) => name.endsWith('.json'))).toEqual([])
}

test.skipIf(noOverlay).each(['full', 'increment'] as const)(
  `a volume on an overlay is recovered in place: %s (${noOverlay ?? 'needs overlayfs'})`,
  async (mode) => {
    const base = tempDir(tmpdir())
    const volume = mountOverlay(base)
    onTestFinished(() => run('umount', '-l', volume))
    await recoverChanged(volume, mode, volume)
  },
)

test.skipIf(noProjects)(
  `directories of other quota projects are recovered in place and keep their project (${noProjects ?? 'needs XFS'})`,
  async () => {
    const mounted = mountWithProjects(tempDir(tmpdir()))
    onTestFinished(() => run('umount', '-l', mounted))
    const volume = join(mounted, 'db')
    const below = join(volume, 'below')
    mkdirSync(below, { recursive: true })
    run('chattr', '+P', '-p', '42', volume)
    run('chattr', '+P', '-p', '43', below)
    const { ino } = lstatSync(below)
    await recoverChanged(volume, 'full', mounted)
    expect(lstatSync(below).ino).toBe(ino)
  },
)

test.skipIf(noFlags)(
  `immutable names, deep ones too, and an immutable volume are recovered in place (${noFlags ?? 'needs chattr'})`,
  async () => {
    const { volume, backUp, recover } = await shop.plugins()
    onTestFinished(() => run('chattr', '-R', '-ia', volume))
    mkdirSync(join(volume, 'deep'))
    writeFileSync(join(volume, 'kept'), 'as it was')
    writeFileSync(join(volume, 'deep/appended'), 'as it was')
    run('chattr', '+a', join(volume, 'deep/appended'))
    run('chattr', '+i', join(volume, 'kept'), volume)
    const { result } = await backUp()
    run('chattr', '-i', join(volume, 'kept'), volume)
    writeFileSync(join(volume, 'kept'), 'changed')
    writeFileSync(join(volume, 'deep/gone'), '')
    run('chattr', '+i', join(volume, 'deep/gone'), join(volume, 'deep'), volume)
    const ran = await recover(result.file ?? '', IN_PLACE)
    expect(ran.warnings).toContainEqual(COPIED)
    expect(ran.state).toBe('success')
    expect(readFileSync(join(volume, 'kept'), 'utf8')).toBe('as it was')
    expect(readdirSync(join(volume, 'deep'))).toEqual(['appended'])
    expect(() => renameSync(join(volume, 'kept'), join(volume, 'moved'))).toThrow('EPERM')
    expect(() => rmSync(join(volume, 'deep/appended'))).toThrow('EPERM')
  },
)

test('if renames work, IN_PLACE swaps as usual', async () => {
  const { volume, backUp, recover } = await shop.plugins()
  writeFileSync(join(volume, 'file'), 'as it was')
  const { ino } = lstatSync(join(volume, 'file'))
  const { result } = await backUp()
  const phases = new Set<string | undefined>()
  const progress = ({ phase }: Partial<Progress>) => void phases.add(phase)
  const ran = await recover(result.file ?? '', IN_PLACE, { progress })
  expect(ran).toMatchObject({ state: 'success', warnings: [] })
  expect(phases).not.toContain('copy')
  expect(lstatSync(join(volume, 'file')).ino).not.toBe(ino)
})

test('single files are not copied in place', async () => {
  const { recover } = await shop.plugins()
  await expect(recover('x-1795452570.tar.gz', { files: ['*'], ...IN_PLACE })).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringContaining('leave out "files"'),
  })
})

test.skipIf(noFlags)(
  `a plan says whether the recover would be a copy (${noFlags ?? 'needs chattr'})`,
  async () => {
    const { volume, backUp, recover } = await shop.plugins()
    writeFileSync(join(volume, 'file'), 'as it was')
    const { result } = await backUp({ mode: 'increment' })
    const args = { plan: true, ...IN_PLACE }
    const before = contentOf(volume)
    expect((await recover(result.file ?? '', args)).result.plan).toMatchObject({ inPlace: false })
    run('chattr', '+i', join(volume, 'file'))
    onTestFinished(() => run('chattr', '-i', join(volume, 'file')))
    const refused = await recover(result.file ?? '', args)
    expect(refused.result.plan).toMatchObject({ inPlace: true })
    expect(refused.warnings).toEqual([COPIED])
    expect((await recover(result.file ?? '', { plan: true })).result.plan).not.toHaveProperty('inPlace')
    expect(contentOf(volume)).toEqual(before)
  },
)

/** A volume with an immutable name in it, so that nothing can be moved out. */
function makeImmutableWorld() {
  const world = given.volume('/data/db').files(fillOld).onDisk()
  onTestFinished(() => run('chattr', '-R', '-i', world.parent))
  run('chattr', '+i', join(world.volume, 'old only'))
  return { ...world, child: 'copy' as const }
}

function expectNewContent({ base, volume, parent }: ReturnType<typeof makeImmutableWorld>): void {
  mkdirSync(`${base}/expected`)
  fillNew(`${base}/expected`)
  expect(compareTrees(`${base}/expected`, volume, { ignoreRoot: true, ignore: ['mtimeNs'] })).toEqual([])
  expect(lstatSync(volume).mode & 0o7777).toBe(0o751)
  expect(readdirSync(parent)).toEqual(['db'])
}

test.skipIf(noFlags).each([
  ['begun', 1],
  ['cleared', 1],
  ['writing', 1],
  ['writing', 3],
  ['writing', 5],
  ['copied', 1],
  ['in place', 1],
])(
  `a copy killed at "%s" (%i) is completed afterwards (${noFlags ?? 'needs chattr'})`,
  async (point, time) => {
    const world = makeImmutableWorld()
    const { dataDir, volume } = world
    const { ino } = lstatSync(volume)
    expect(await recoverUntil({ ...world, point, time })).toBe('SIGKILL')
    expect(await settleJournals(dataDir)).toEqual({
      settled: [{ volume, rid: RID, outcome: 'went forward' }],
      locked: [],
      warnings: [],
    })
    expectNewContent(world)
    expect(lstatSync(volume).ino).toBe(ino)
    expect(existsSync(`${dataDir}/recovers/${RID}.json`)).toBe(false)
  },
)

test.skipIf(noFlags)(
  `entries that were not unpacked exactly are reported when the copy is finished (${noFlags ?? 'needs chattr'})`,
  async () => {
    const world = makeImmutableWorld()
    expect(await recoverUntil({ ...world, point: 'writing', unpackFaults: 2 })).toBe('SIGKILL')
    expect((await settleJournals(world.dataDir)).settled).toMatchObject([
      { outcome: 'went forward', faults: 2 },
    ])
  },
)

test.skipIf(noFlags)(
  `a kill before the copy begins leaves the volume untouched (${noFlags ?? 'needs chattr'})`,
  async () => {
    const world = makeImmutableWorld()
    const before = contentOf(world.volume)
    expect(await recoverUntil({ ...world, point: 'unpacked' })).toBe('SIGKILL')
    expect((await settleJournals(world.dataDir)).settled).toMatchObject([{ outcome: 'swept' }])
    expect(contentOf(world.volume)).toEqual(before)
  },
)

test.skipIf(noFlags)(
  `an interrupted copy with a foreign journal locks the volume (${noFlags ?? 'needs chattr'})`,
  async () => {
    const world = makeImmutableWorld()
    await recoverUntil({ ...world, point: 'writing', time: 2 })
    const journal = join(world.parent, `.backupd-recover-${RID}`, 'journal')
    const text = readFileSync(journal, 'utf8')
    const before = contentOf(world.volume)
    for (const damaged of [text.replace(/"nonce":"../, '"nonce":"zz'), text.replace('["sealed"]\n', '')]) {
      writeFileSync(journal, damaged)
      const { settled, locked } = await settleJournals(world.dataDir)
      expect(settled).toEqual([])
      expect(locked).toMatchObject([{ volume: world.volume, reason: expect.stringContaining('its journal') }])
      expect(contentOf(world.volume)).toEqual(before)
    }
  },
)

test.skipIf(noFlags)(
  `names like those of staging folders are ordinary content (${noFlags ?? 'needs chattr'})`,
  async () => {
    const { volume, backUp, recover } = await shop.plugins()
    const [mine, other] = [join(volume, '.backupd-recover-mine'), join(volume, '.backupd-recover-other')]
    for (const folder of [mine, other]) mkdirSync(folder)
    writeFileSync(join(mine, 'file'), 'as it was')
    writeFileSync(join(volume, 'stuck'), '')
    const { result } = await backUp()
    writeFileSync(join(mine, 'added'), 'not in the backup')
    run('chattr', '+i', join(volume, 'stuck'))
    expect((await recover(result.file ?? '', IN_PLACE)).warnings).toContainEqual(COPIED)
    expect(readdirSync(mine)).toEqual(['file'])
    expect(readdirSync(volume).sort()).toEqual(['.backupd-recover-mine', '.backupd-recover-other', 'stuck'])
  },
)

test.skipIf(noFlags)(
  `names that appear during the copy are removed and reported (${noFlags ?? 'needs chattr'})`,
  async () => {
    const world = makeImmutableWorld()
    expect(await recoverUntil({ ...world, point: 'never', appear: ['at work', 'both'] })).toBe(null)
    expectNewContent(world)
  },
)
