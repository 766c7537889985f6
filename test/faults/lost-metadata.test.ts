import { execFileSync } from 'node:child_process'
import { linkSync, lstatSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { withProtectedList } from '../../src/volume/swap/protected-list.ts'
import { settleJournals } from '../../src/volume/swap/settle.ts'
import { prepareStaging } from '../../src/volume/swap/staging.ts'
import { stagingPlace } from '../../src/volume/swap/staging-folders.ts'
import { swapIn } from '../../src/volume/swap/swap.ts'
import { claimVolume } from '../../src/volume/swap/volume-claim.ts'
import { PROTECTING_FLAGS } from '../../src/volume/tree/inode-flags.ts'
import { flagsOf, itOnExt4, whyNoFlags } from '../support/disk-image.ts'
import { given } from '../support/given.ts'
import { heldVolume } from '../support/held-volume.ts'
import { fillOld, RID } from '../support/swap-content.ts'
import { canMount } from '../support/tmpfs.ts'

const shop = given.app('shop').proc('web').volume('/data/db')

const noFlags = whyNoFlags()
const MODES = ['full', 'increment'] as const

function chattr(dir: string, flags: string, ...paths: string[]): void {
  execFileSync('chattr', [flags, ...paths], { cwd: dir, stdio: 'pipe' })
}

function unprotectAtEnd(dir: string): void {
  onTestFinished(() => void execFileSync('chattr', ['-R', '-f', '-i', '-a', dir], { stdio: 'pipe' }))
}

/** A volume with a log that is append-only, and a directory with something immutable in it. */
async function makeFlaggedWorld() {
  const world = await shop.plugins()
  unprotectAtEnd(world.base)
  const { volume } = world
  mkdirSync(join(volume, 'd'))
  for (const name of ['plain', 'app', 'nodump', 'd/imm', 'large']) writeFileSync(join(volume, name), name)
  writeFileSync(join(volume, 'large'), Buffer.alloc(200_000, 1))
  linkSync(join(volume, 'd/imm'), join(volume, 'd/link'))
  chattr(volume, '+a', 'app')
  chattr(volume, '+i', 'd/imm', 'd')
  chattr(volume, '+d', 'nodump', 'large')
  chattr(volume, '+A', '.')
  return world
}

const FLAGGED = ['.', 'plain', 'app', 'nodump', 'large', 'd', 'd/imm', 'd/link']
const EXPECTED = ['A .', ' plain', 'a app', 'd nodump', 'd large', 'i d', 'i d/imm', 'i d/link']

function withoutFlags(volume: string): void {
  chattr(volume, '-i', 'd')
  execFileSync('chattr', ['-R', '-iadA', volume], { stdio: 'pipe' })
}

describe.skipIf(noFlags !== undefined)(`inode flags (${noFlags ?? 'chattr works'})`, () => {
  it.each(MODES)('are restored by a %s backup, those that forbid renames after the swap', async (mode) => {
    const world = await makeFlaggedWorld()
    const { volume } = world
    const backup = await world.backUp({ mode })
    expect(backup).toMatchObject({ state: 'success', warnings: [] })
    withoutFlags(volume)
    writeFileSync(join(volume, 'plain'), 'changed')
    const name = backup.result.file ?? ''
    expect(await world.recover(name)).toMatchObject({ state: 'success', warnings: [] })
    expect(flagsOf(volume, ...FLAGGED)).toEqual(EXPECTED)
    expect(readFileSync(join(volume, 'plain'), 'utf8')).toBe('plain')
  })

  it.each(MODES)('are restored by a %s backup for single files, and for a created volume', async (mode) => {
    const world = await makeFlaggedWorld()
    const { volume } = world
    const name = (await world.backUp({ mode })).result.file ?? ''
    withoutFlags(volume)
    expect(await world.recover(name, { files: ['app', 'd'] })).toMatchObject({ state: 'success' })
    expect(flagsOf(volume, 'app', 'nodump', 'd', 'd/imm')).toEqual(['a app', ' nodump', 'i d', 'i d/imm'])
    const destDir = `${world.parent}/second`
    expect(await world.recover(name, { destDir })).toMatchObject({ state: 'success' })
    expect(flagsOf(destDir, ...FLAGGED)).toEqual(EXPECTED)
  })

  it('stay in later snapshots of unchanged files', async () => {
    const world = await makeFlaggedWorld()
    await world.backUp({ mode: 'increment' })
    writeFileSync(join(world.volume, 'new'), '')
    const name = (await world.backUp({ mode: 'increment' })).result.file ?? ''
    withoutFlags(world.volume)
    await world.recover(name)
    expect(flagsOf(world.volume, ...FLAGGED)).toEqual(EXPECTED)
  })

  it('of protected old content do not prevent its removal', async () => {
    const world = await shop.plugins()
    unprotectAtEnd(world.base)
    mkdirSync(join(world.volume, 'd/e'), { recursive: true })
    writeFileSync(join(world.volume, 'd/e/imm'), '')
    chattr(world.volume, '+i', 'd/e/imm', 'd/e')
    const name = (await world.backUp()).result.file ?? ''
    expect(await world.recover(name)).toMatchObject({ state: 'success', warnings: [] })
    expect(await world.recover(name)).toMatchObject({ state: 'success', warnings: [] })
    expect(flagsOf(world.volume, 'd/e', 'd/e/imm')).toEqual(['i d/e', 'i d/e/imm'])
  })

  it('are set after a crash between the swap and setting them', async () => {
    const { dataDir, volume, parent } = given.volume('/data/db').files(fillOld).onDisk()
    unprotectAtEnd(parent)
    const claim = await claimVolume(dataDir, volume)
    const staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
    writeFileSync(`${staging.target}/imm`, 'new')
    await withProtectedList(stagingPlace(staging.pointer, staging.volume), async (list) =>
      list.add(Buffer.from('imm'), PROTECTING_FLAGS),
    )
    const checkpoint = (at: string) => {
      if (at === 'committed') throw new Error('crashed')
    }
    const options = { root: null, signal: new AbortController().signal, warn: () => {}, onRefused: () => {} }
    await expect(swapIn(staging, { ...options, checkpoint })).rejects.toThrow('crashed')
    await staging[Symbol.asyncDispose]()
    await claim[Symbol.asyncDispose]()
    expect(flagsOf(volume, 'imm')).toEqual([' imm'])
    expect((await settleJournals(dataDir)).settled).toMatchObject([{ outcome: 'went forward' }])
    expect(flagsOf(volume, 'imm')).toEqual(['ia imm'])
  })

  it('cannot be forged by an attribute with the name that snapshots use', async () => {
    const world = await shop.plugins()
    writeFileSync(join(world.volume, 'f'), '')
    execFileSync('setfattr', ['-n', 'user.backupd.fflags', '-v', 'schg', join(world.volume, 'f')])
    const name = (await world.backUp({ mode: 'increment' })).result.file ?? ''
    await world.recover(name)
    expect(flagsOf(world.volume, 'f')).toEqual([' f'])
  })
})

itOnExt4(
  'times that the target cannot hold are one warning, and the recover succeeds',
  ['-I', '128'],
  async (disk) => {
    const world = await shop.plugins()
    world.settings.allowPaths.push(disk)
    for (const name of ['a', 'b', 'c']) writeFileSync(join(world.volume, name), name)
    utimesSync(join(world.volume, 'c'), 1_700_000_000, 1_700_000_000)
    const name = (await world.backUp()).result.file ?? ''
    const recovered = await world.recover(name, { destDir: join(disk, 'v') })
    expect(recovered.state).toBe('success')
    expect(recovered.warnings.filter((warning) => warning.includes('times'))).toEqual([
      expect.stringMatching(
        /^\.: the file system keeps times to 1 s: those of 2 entries are rounded, such as "[ab]", "[ab]"$/,
      ),
    ])
    expect(lstatSync(join(disk, 'v/c')).mtimeMs).toBe(1_700_000_000_000)
  },
)

const NEEDS = 'needs root and mounts'

/** Recovers into a file system of another kind, mounted where the volume is to be. */
async function recoverOnto(options: string[], fill: (volume: string) => void) {
  const world = await shop.plugins()
  fill(world.volume)
  const name = (await world.backUp()).result.file ?? ''
  const disk = join(world.volumeRoot, 'disk')
  mkdirSync(disk)
  execFileSync('mount', [...options, 'backupd-test', disk], { stdio: 'pipe' })
  onTestFinished(() => void execFileSync('umount', ['-l', disk]))
  return await world.recover(name, { destDir: join(disk, 'v') })
}

const attributes = (volume: string) => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    writeFileSync(join(volume, name), name)
    for (const key of ['user.one', 'user.two'])
      execFileSync('setfattr', ['-n', key, '-v', 'x', join(volume, name)])
  }
  execFileSync('setfacl', ['-m', 'u:1234:r', join(volume, 'a'), join(volume, 'b')])
}

it.skipIf(!canMount)(
  `attributes and access lists that the target refuses are one warning for each kind (${NEEDS})`,
  async () => {
    const { state, reason, warnings } = await recoverOnto(['-t', 'ramfs'], attributes)
    expect(state).toBe('partial')
    expect(reason).toMatch(/^7 entries could not be restored exactly/)
    expect(warnings.filter((warning) => warning.includes('could not be restored'))).toEqual([
      expect.stringMatching(
        /^\.: the extended attributes \(user\.\*\) of 5 entries .* \(ENOTSUP\), such as ("[a-e]"(, )?){3}$/,
      ),
      expect.stringMatching(/^\.: the access lists of 2 entries .* \(ENOTSUP\), such as "[ab]", "[ab]"$/),
    ])
  },
)

itOnExt4(
  'a time that the target cannot hold at all is a warning, and the nearest is set',
  ['-I', '128'],
  async (disk) => {
    const world = await shop.plugins()
    world.settings.allowPaths.push(disk)
    for (const name of ['far', 'near']) writeFileSync(join(world.volume, name), name)
    utimesSync(join(world.volume, 'near'), 1_700_000_000, 1_700_000_000)
    utimesSync(join(world.volume, 'far'), 4_000_000_000, 4_000_000_000)
    expect(lstatSync(join(world.volume, 'far')).mtimeMs).toBe(4_000_000_000_000)
    const name = (await world.backUp()).result.file ?? ''
    const { state, warnings } = await world.recover(name, { destDir: join(disk, 'v') })
    expect(state).toBe('success')
    expect(warnings).toContain(
      '.: the nearest possible times were set, because the file system cannot store those of 1 entry, such as "far"',
    )
    expect(lstatSync(join(disk, 'v/near')).mtimeMs).toBe(1_700_000_000_000)
  },
)
