import { lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { toRecordError } from '../../src/engine/record-error.ts'
import { namedSteps } from '../../src/lib/steps.ts'
import { prepareStaging } from '../../src/volume/swap/staging.ts'
import { claimVolume } from '../../src/volume/swap/volume-claim.ts'
import { given } from '../support/given.ts'
import { heldVolume } from '../support/held-volume.ts'
import {
  makeProjectVolume,
  mountOverlay,
  noFlags,
  noOverlay,
  noProjects,
  run,
} from '../support/refused-renames.ts'
import { RID } from '../support/swap-content.ts'

const shop = given.app('shop').proc('web').volume('/data/db')

test.skipIf(noFlags).each(['+i', '+a'])(
  `a file that chattr made %s is named before anything is unpacked (${noFlags ?? 'needs chattr'})`,
  async (flag) => {
    const { volume, backUp, recover } = await shop.plugins()
    const precious = join(volume, 'precious')
    writeFileSync(precious, 'x')
    const { result } = await backUp()
    const before = lstatSync(volume, { bigint: true }).mtimeNs
    run('chattr', flag, precious)
    onTestFinished(() => run('chattr', '-ia', precious))
    await expect(recover(result.file ?? '')).rejects.toMatchObject({
      code: 'SYSTEM_REFUSED',
      facts: { errno: 'EPERM', step: 'stage' },
      message: expect.stringMatching(
        /"precious" out of the volume.*chattr.*onRefusedRename: IN_PLACE.*files: \["\*"\]/,
      ),
    })
    expect(readdirSync(volume)).toEqual(['precious'])
    expect(lstatSync(volume, { bigint: true }).mtimeNs).toBe(before)
    run('chattr', '-ia', precious)
    expect(await recover(result.file ?? '')).toMatchObject({ state: 'success' })
  },
)

test.skipIf(noOverlay)(
  `a directory in a lower layer of an overlay is named, and single files are put in place (${noOverlay ?? 'needs overlayfs'})`,
  async () => {
    const { base, settings, backUp, recover } = await shop.plugins()
    const volume = mountOverlay(base)
    onTestFinished(() => run('umount', '-l', volume))
    const change = { settings: { ...settings, allowPaths: [volume] } }
    const { result } = await backUp({ path: volume }, change)
    writeFileSync(join(volume, 'below/file'), 'changed')
    await expect(recover(result.file ?? '', { destDir: volume }, change)).rejects.toMatchObject({
      code: 'SYSTEM_REFUSED',
      facts: { errno: 'EXDEV' },
      message: expect.stringContaining('"below" out of the volume'),
    })
    expect(readdirSync(volume)).toEqual(['below'])
    expect(await recover(result.file ?? '', { destDir: volume, files: ['*'] }, change)).toMatchObject({
      state: 'success',
    })
    expect(readFileSync(join(volume, 'below/file'), 'utf8')).toBe('from below')
  },
)

test.skipIf(noProjects)(
  `a volume with a quota project of its own is staged inside and recovered (${noProjects ?? 'needs XFS'})`,
  async () => {
    const { base, settings, backUp, recover } = await shop.plugins()
    const { mounted, volume } = makeProjectVolume(base)
    const change = { settings: { ...settings, allowPaths: [mounted] } }
    const { result } = await backUp({ path: volume }, change)
    writeFileSync(join(volume, 'file'), 'changed')
    {
      await using claim = await claimVolume(settings.dataDir, volume)
      await using staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(volume) })
      expect(staging.pointer.staging).toBe(`${volume}/.backupd-recover-${RID}`)
    }
    rmSync(join(settings.dataDir, 'recovers', `${RID}.json`))
    run('rm', '-r', `${volume}/.backupd-recover-${RID}`)
    expect(await recover(result.file ?? '', { destDir: volume }, change)).toMatchObject({ state: 'success' })
    expect(readFileSync(join(volume, 'file'), 'utf8')).toBe('as it was')
    expect(readdirSync(volume)).toEqual(['file'])
  },
)

test.each(['EXDEV', 'EPERM', 'EACCES', 'EROFS', 'EIO', 'ESTALE', 'EMFILE', 'EBUSY', 'ENOTCONN'])(
  'a run that %s stops does not end as INTERNAL',
  async (code) => {
    const error = Object.assign(new Error(`${code}: refused, rename`), { code })
    expect(toRecordError(error)).toMatchObject({ code: 'SYSTEM_REFUSED' })
    const { step } = namedSteps('Cannot recover it', new AbortController().signal)
    const fail = () => {
      throw error
    }
    await expect(step('swap', fail)).rejects.toMatchObject({ code: 'SYSTEM_REFUSED' })
  },
)
