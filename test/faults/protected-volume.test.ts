import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { copyInPlace } from '../../src/volume/swap/copy-in-place.ts'
import { settleJournals } from '../../src/volume/swap/settle.ts'
import { discardStaging, prepareStaging } from '../../src/volume/swap/staging.ts'
import { claimVolume } from '../../src/volume/swap/volume-claim.ts'
import { given } from '../support/given.ts'
import { heldVolume } from '../support/held-volume.ts'
import { makeProjectVolume, noProjects, run } from '../support/refused-renames.ts'
import { fillNew, fillOld, NEW_ROOT, RID } from '../support/swap-content.ts'
import { testOwnMount } from '../support/test-own-mount.ts'

/** The volume itself is immutable (`i`) or append-only (`a`), and has a mount of its own. */
function makeProtectedWorld(flag: string) {
  const { dataDir, volume } = given.volume('/data/db').onOwnMount().files(fillOld).onDisk()
  run('chattr', `+${flag}`, volume)
  onTestFinished(() => run('chattr', '-ia', volume))
  const look = () => ({
    names: readdirSync(volume).sort(),
    mtimeNs: lstatSync(volume, { bigint: true }).mtimeNs,
    flags: execFileSync('lsattr', ['-d', volume], { encoding: 'utf8' }).split(' ')[0],
    hasPointer: existsSync(`${dataDir}/recovers/${RID}.json`),
  })
  const plan = () => ({ rid: RID, volume: heldVolume(volume) })
  return { dataDir, volume, look, plan }
}

testOwnMount.each(['i', 'a'])(
  'a volume with chattr +%s itself is refused with the alternatives, and left unchanged (needs mounts)',
  async (flag) => {
    const { dataDir, volume, look, plan } = makeProtectedWorld(flag)
    const before = look()
    await using claim = await claimVolume(dataDir, volume)
    for (const keepsOthers of [false, true]) {
      await expect(prepareStaging(claim, { ...plan(), keepsOthers })).rejects.toMatchObject({
        code: 'SYSTEM_REFUSED',
        facts: { errno: 'EPERM', alternatives: expect.arrayContaining(['onRefusedRename: IN_PLACE']) },
      })
      expect(look()).toEqual(before)
    }
  },
)

testOwnMount.each(['i', 'a'])(
  'a volume with chattr +%s has it again if nothing is copied, after a crash too (needs mounts)',
  async (flag) => {
    const { dataDir, volume, look, plan } = makeProtectedWorld(flag)
    const before = look()
    const prepare = async (end: typeof discardStaging) => {
      await using claim = await claimVolume(dataDir, volume)
      await using staging = await prepareStaging(claim, { ...plan(), mayCopy: true })
      expect(staging.refusedRename).toContain('EPERM')
      fillNew(staging.target)
      await end(staging)
    }
    await prepare(discardStaging)
    expect(look()).toEqual(before)
    await prepare(async () => {})
    expect((await settleJournals(dataDir)).settled).toMatchObject([{ outcome: 'swept' }])
    expect(look()).toEqual(before)
  },
)

testOwnMount.each([
  ['i', null],
  ['a', null],
  ['i', { ...NEW_ROOT, flags: 0x10 }],
])(
  'a volume with chattr +%s is copied in place and reported to be without it (needs mounts)',
  async (flag, root) => {
    const { dataDir, volume, look, plan } = makeProtectedWorld(flag)
    await using claim = await claimVolume(dataDir, volume)
    await using staging = await prepareStaging(claim, { ...plan(), mayCopy: true })
    fillNew(staging.target)
    const warnings: string[] = []
    const onWarning = ({ message }: { message: string }) => void warnings.push(message)
    const { signal } = new AbortController()
    expect(await copyInPlace({ staging, root, signal, onWarning, onProgress: () => {} })).toEqual({
      faults: 0,
    })
    expect(warnings).toEqual([expect.stringContaining('which is not restored')])
    expect(look()).toMatchObject({ hasPointer: false, flags: expect.not.stringMatching(/[ia]/) })
    expect(readFileSync(join(volume, 'new only'), 'utf8')).toBe('new new only')
    expect(look().names).not.toContain('old only')
  },
)

/** As a project does whose quota is used up. */
function refuseFoldersIn(folder: string): void {
  const { mkdir } = promises
  vi.spyOn(promises, 'mkdir').mockImplementation(async (path, options) => {
    if (realpathSync(dirname(`${path}`)) === folder)
      throw Object.assign(new Error('EDQUOT: quota exceeded'), { code: 'EDQUOT' })
    return await mkdir(path, options)
  })
  syncBuiltinESMExports()
  onTestFinished(() => {
    vi.restoreAllMocks()
    syncBuiltinESMExports()
  })
}

test.skipIf(noProjects)(
  `a project without room for a staging folder inside suggests the alternatives (${noProjects ?? 'needs XFS'})`,
  async () => {
    const { base, dataDir } = given.onDisk()
    const { mounted, volume } = makeProjectVolume(base)
    refuseFoldersIn(volume)
    await using claim = await claimVolume(dataDir, volume)
    const plan = { rid: RID, volume: heldVolume(volume) }
    await expect(prepareStaging(claim, plan)).rejects.toMatchObject({
      code: 'SYSTEM_REFUSED',
      facts: { errno: 'EXDEV', alternatives: expect.arrayContaining(['onRefusedRename: IN_PLACE']) },
    })
    await using staging = await prepareStaging(claim, { ...plan, mayCopy: true })
    expect(staging.pointer.staging).toBe(join(mounted, `.backupd-recover-${RID}`))
    expect(staging.refusedRename).toContain('EXDEV')
    await discardStaging(staging)
    expect(readdirSync(volume)).toEqual(['file'])
  },
)
