import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { type CopyInput, copyInPlace } from '../../src/volume/swap/copy-in-place.ts'
import { settleVolume } from '../../src/volume/swap/settle.ts'
import { prepareStaging } from '../../src/volume/swap/staging.ts'
import { claimVolume } from '../../src/volume/swap/volume-claim.ts'
import { given } from '../support/given.ts'
import { heldVolume } from '../support/held-volume.ts'
import { run } from '../support/refused-renames.ts'
import { contentOf, fillNew, fillOld, NEW_ROOT, RID } from '../support/swap-content.ts'
import { testOwnMount } from '../support/test-own-mount.ts'
import { bindMount } from '../support/tmpfs.ts'

/** The staging lies inside the volume, and nothing can be moved out of it. */
async function makeInsideWorld() {
  const { dataDir, volume } = given.volume('/data/db').onOwnMount().files(fillOld).onDisk()
  run('chattr', '+i', join(volume, 'old only'))
  const claim = await claimVolume(dataDir, volume)
  const staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(volume), mayCopy: true })
  onTestFinished(async () => {
    await staging[Symbol.asyncDispose]()
    await claim[Symbol.asyncDispose]()
  })
  fillNew(staging.target)
  const warnings: string[] = []
  const onWarning: CopyInput['onWarning'] = ({ path, message }) => void warnings.push(`${path}: ${message}`)
  const { signal } = new AbortController()
  const input: CopyInput = { staging, root: NEW_ROOT, signal, onWarning, onProgress: () => {} }
  const copy = (change: Partial<CopyInput> = {}) => copyInPlace({ ...input, ...change })
  return { dataDir, claim, volume, staging: staging.pointer.staging, target: staging.target, copy, warnings }
}

/** What `fillNew` makes, as the text of its names. */
const NEW_NAMES = ['both', 'new only', 'was a file', 'was a folder']

testOwnMount('a staging folder inside the volume does not count as room to come (needs mounts)', async () => {
  const { volume, target, copy } = await makeInsideWorld()
  writeFileSync(join(target, 'big'), Buffer.alloc(8 << 20, 'b'))
  const before = readdirSync(volume)
  await expect(copy()).rejects.toMatchObject({ code: 'NO_ROOM' })
  expect(readdirSync(volume)).toEqual(before)
  expect(readFileSync(join(volume, 'both'), 'utf8')).toBe('old both')
})

testOwnMount('a staging folder that is renamed during the copy is not emptied (needs mounts)', async () => {
  const { volume, staging, copy, warnings } = await makeInsideWorld()
  mkdirSync(join(volume, 'elsewhere'))
  const moved = join(volume, 'elsewhere/moved')
  const checkpoint: CopyInput['checkpoint'] = (at) => {
    if (at === 'begun') renameSync(staging, moved)
  }
  expect((await copy({ checkpoint })).faults).toBeGreaterThan(0)
  expect(warnings).toContain('elsewhere/moved: could not be removed (EBUSY)')
  expect(readdirSync(volume)).toEqual(expect.arrayContaining(NEW_NAMES))
  expect(readFileSync(join(volume, 'new only'), 'utf8')).toBe('new new only')
  expect(existsSync(join(moved, 'new/new only'))).toBe(true)
})

testOwnMount.each(['the staging folder', 'what was unpacked'])(
  '%s is not copied if something replaced it (needs mounts)',
  async (what) => {
    const { volume, staging, copy } = await makeInsideWorld()
    const replaced = what === 'the staging folder' ? staging : join(staging, 'new')
    renameSync(replaced, `${replaced}-moved`)
    for (const folder of ['new', 'old', 'late']) mkdirSync(join(staging, folder), { recursive: true })
    const before = contentOf(volume).tree
    await expect(copy()).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('replaced'),
    })
    expect(contentOf(volume).tree).toEqual(before)
  },
)

testOwnMount(
  'a mount that appears during the checks stops the copy before it begins (needs mounts)',
  async () => {
    const { dataDir, claim, volume, copy } = await makeInsideWorld()
    const before = readdirSync(volume)
    let unmount: (() => void) | undefined
    const onProgress: CopyInput['onProgress'] = () => {
      unmount ??= bindMount(dataDir, join(volume, 'was a folder'))
    }
    onTestFinished(() => unmount?.())
    await expect(copy({ onProgress })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('Something is mounted inside'),
    })
    unmount?.()
    expect(readdirSync(volume)).toEqual(before)
    expect(readFileSync(join(volume, 'both'), 'utf8')).toBe('old both')
    expect((await settleVolume(claim)).settled).toMatchObject([{ outcome: 'swept' }])
  },
)

testOwnMount('what is missing in the staging when it is copied is a fault (needs mounts)', async () => {
  const { target, copy, warnings } = await makeInsideWorld()
  const checkpoint: CopyInput['checkpoint'] = (at) => {
    if (at === 'cleared') for (const name of ['both', 'new only']) unlinkSync(join(target, name))
  }
  expect(await copy({ checkpoint })).toEqual({ faults: 2 })
  expect(warnings).toEqual([expect.stringMatching(/only 5 of 7 entries were copied/)])
})

testOwnMount(
  'an entry with the name of the staging folder is counted, once for all attempts (needs mounts)',
  async () => {
    const { volume, staging, target, copy, warnings } = await makeInsideWorld()
    mkdirSync(join(target, `.backupd-recover-${RID}`))
    let isDisturbed = false
    const onProgress: CopyInput['onProgress'] = ({ files }) => {
      if (files === 0 || isDisturbed) return
      isDisturbed = true
      throw Object.assign(new Error('ENOTDIR'), { code: 'ENOTDIR' })
    }
    expect(await copy({ onProgress })).toEqual({ faults: 1 })
    expect(isDisturbed).toBe(true)
    expect(warnings).toContainEqual(expect.stringContaining('has the name of the folder from which'))
    expect(existsSync(staging)).toBe(false)
    expect(readdirSync(volume)).toEqual(expect.arrayContaining(NEW_NAMES))
  },
)

testOwnMount(
  'a copy that is disturbed again and again is given up after twenty attempts (needs mounts)',
  async () => {
    const { dataDir, claim, copy } = await makeInsideWorld()
    let attempts = 0
    const checkpoint: CopyInput['checkpoint'] = (at) => {
      if (at !== 'cleared') return
      attempts++
      throw Object.assign(new Error('ENOTDIR: replaced meanwhile'), { code: 'ENOTDIR' })
    }
    await expect(copy({ checkpoint })).rejects.toMatchObject({
      code: 'VOLUME_LOCKED',
      message: expect.stringContaining('replaced meanwhile'),
    })
    expect(attempts).toBe(20)
    expect(await settleVolume(claim)).toMatchObject({ settled: [{ outcome: 'went forward' }], locked: [] })
    expect(existsSync(join(dataDir, 'recovers', `${RID}.json`))).toBe(false)
  },
)

testOwnMount('a file with several names takes its room once (needs mounts)', async () => {
  const { volume, target, copy } = await makeInsideWorld()
  writeFileSync(join(target, 'first name'), Buffer.alloc(4 << 20, 'b'))
  for (const name of ['second', 'third', 'fourth']) linkSync(join(target, 'first name'), join(target, name))
  expect(await copy()).toEqual({ faults: 0 })
  expect(lstatSync(join(volume, 'fourth')).nlink).toBe(4)
})

testOwnMount(
  'a copy that is in place but cannot be cleaned up does not lock the volume (needs mounts)',
  async () => {
    const { dataDir, claim, volume, staging, copy, warnings } = await makeInsideWorld()
    let unmount = (): void => {}
    const checkpoint: CopyInput['checkpoint'] = (at) => {
      if (at === 'in place') unmount = bindMount(dataDir, join(staging, 'new/in the way'))
    }
    onTestFinished(() => unmount())
    expect(await copy({ checkpoint })).toEqual({ faults: 0 })
    expect(warnings).toEqual([expect.stringMatching(/could not be cleaned up .*the next run on the volume/)])
    unmount()
    writeFileSync(join(volume, 'new only'), 'written since')
    expect(await settleVolume(claim)).toMatchObject({ settled: [{ outcome: 'swept' }], locked: [] })
    expect(readFileSync(join(volume, 'new only'), 'utf8')).toBe('written since')
    expect(existsSync(staging)).toBe(false)
  },
)
