import {
  appendFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { expect, test } from 'vitest'
import { loadKernel } from '../../../src/lib/kernel.ts'
import { beginSwap } from '../../../src/volume/swap/begin-swap.ts'
import { moveListed } from '../../../src/volume/swap/moves.ts'
import { makeRecoversFolder, readPointers, savePointer } from '../../../src/volume/swap/pointer.ts'
import { settleJournals } from '../../../src/volume/swap/settle.ts'
import { discardStaging, prepareStaging, type Staging } from '../../../src/volume/swap/staging.ts'
import { swapIn } from '../../../src/volume/swap/swap.ts'
import { openSwapFolders } from '../../../src/volume/swap/swap-folders.ts'
import { claimVolume } from '../../../src/volume/swap/volume-claim.ts'
import { given } from '../../support/given.ts'
import { heldVolume } from '../../support/held-volume.ts'
import { recoverUntil } from '../../support/recover-until.ts'
import { contentOf, fillNew, fillOld, NEW_ROOT, RID } from '../../support/swap-content.ts'
import { posixAcl } from '../../support/tree-make.ts'

const oldVolume = given.volume('/data/db').files(fillOld)

const QUIET = { root: NEW_ROOT, warn: () => {}, onRefused: () => {} }

test.each([
  ['the staging folder', ''],
  ['the folder of the unpacked content', '/new'],
])('another folder in place of %s is not swapped in', async (_what, replaced) => {
  const { dataDir, volume, base } = oldVolume.onDisk()
  const before = contentOf(volume)
  await using claim = await claimVolume(dataDir, volume)
  await using staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
  fillNew(staging.target)
  renameSync(`${staging.pointer.staging}${replaced}`, `${base}/taken away`)
  for (const name of ['new', 'old', 'late'])
    mkdirSync(`${staging.pointer.staging}/${name}`, { recursive: true })
  writeFileSync(`${staging.pointer.staging}/new/foreign`, 'foreign')
  const { signal } = new AbortController()
  await expect(swapIn(staging, { ...QUIET, signal })).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringContaining('was replaced'),
  })
  expect(contentOf(volume)).toEqual(before)
})

test.each(['journal written', 'moved', 'moved out', 'moved in'])(
  'a swap that is cancelled at "%s" keeps the old content',
  async (point) => {
    const { dataDir, volume, parent } = oldVolume.onDisk()
    const before = contentOf(volume)
    await using claim = await claimVolume(dataDir, volume)
    await using staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
    fillNew(staging.target)
    const cancelling = new AbortController()
    const checkpoint = (at: string) => {
      if (at === point) cancelling.abort(new Error('cancelled'))
    }
    const { signal } = cancelling
    await expect(swapIn(staging, { ...QUIET, signal, checkpoint })).rejects.toThrow('cancelled')
    expect(contentOf(volume)).toEqual(before)
    expect(readdirSync(parent)).toEqual(['db'])
    expect(await settleJournals(dataDir)).toEqual({ settled: [], locked: [], warnings: [] })
  },
)

test('a recover that is cancelled before its new volume has a name creates none', async () => {
  const { dataDir, parent } = oldVolume.onDisk()
  await using claim = await claimVolume(dataDir, `${parent}/fresh`)
  await using staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
  fillNew(staging.target)
  const signal = AbortSignal.abort(new Error('cancelled'))
  await expect(swapIn(staging, { ...QUIET, signal })).rejects.toThrow('cancelled')
  await discardStaging(staging)
  expect(readdirSync(parent)).toEqual(['db'])
})

test('the swap gives up if a process creates the same name again and again', async () => {
  const { dataDir, volume } = oldVolume.onDisk()
  await using claim = await claimVolume(dataDir, volume)
  await using staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
  writeFileSync(`${staging.target}/both`, 'new')
  await using folders = await openSwapFolders(staging.pointer, staging.volume)
  const header = await beginSwap(staging, folders, { root: null })
  let times = 0
  const appeared = (name: string) => writeFileSync(`${volume}/${name}`, `again ${++times}`)
  const swap = { folders, header, appeared, moved: () => {} }
  const { fresh } = folders
  await expect(moveListed(swap, { side: 'new', from: fresh, to: folders.volume })).rejects.toThrow(
    'a process creates "both" in the volume again and again',
  )
  expect(times).toBe(99)
  expect(readFileSync(`${staging.target}/both`, 'utf8')).toBe('new')
})

test('an entry on another device than the journal says is not moved, also with the same inode number', async () => {
  const { dataDir, volume } = oldVolume.onDisk()
  await using claim = await claimVolume(dataDir, volume)
  await using staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
  for (const name of ['here', 'elsewhere']) writeFileSync(`${staging.target}/${name}`, 'new')
  await using folders = await openSwapFolders(staging.pointer, staging.volume)
  const header = await beginSwap(staging, folders, { root: null })
  const journal = `${staging.pointer.staging}/journal`
  const changed = readFileSync(journal, 'utf8').replace(`"elsewhere","${header.device}"`, '"elsewhere","1"')
  writeFileSync(journal, changed)
  const swap = { folders, header, appeared: () => {}, moved: () => {} }
  await moveListed(swap, { side: 'new', from: folders.fresh, to: folders.volume })
  expect(readdirSync(staging.target)).toEqual(['elsewhere'])
  expect(readFileSync(`${volume}/here`, 'utf8')).toBe('new')
})

test('a volume of another run is refused, and nothing of it stays open', async () => {
  const { dataDir, volume } = oldVolume.onDisk()
  await using _claim = await claimVolume(dataDir, volume)
  const before = readdirSync('/proc/self/fd').length
  await expect(claimVolume(dataDir, volume)).rejects.toMatchObject({ code: 'CONFLICT' })
  expect(readdirSync('/proc/self/fd').length).toBe(before)
})

test('renames are tried without a trace, even if the volume has the tried names', async () => {
  const { dataDir, volume, parent } = oldVolume.onDisk()
  mkdirSync(`${volume}/.backupd-recover-${RID}-probe/full`, { recursive: true })
  const before = contentOf(volume)
  await using claim = await claimVolume(dataDir, volume)
  await using staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
  for (const name of ['late', 'new', 'old'])
    expect(readdirSync(`${staging.pointer.staging}/${name}`)).toEqual([])
  await discardStaging(staging)
  expect(contentOf(volume)).toEqual(before)
  expect(readdirSync(parent)).toEqual(['db'])
})

test.skipIf(!loadKernel())(
  'a staging folder inherits no access list from its parent (needs libc)',
  async () => {
    const { dataDir, volume, parent } = oldVolume.onDisk()
    const kernel = loadKernel()
    const name = Buffer.from('system.posix_acl_default')
    // user::rwx, user:1234:rwx, group::---, mask::rwx, other::---
    const entries = [
      [1, 7],
      [2, 7, 1234],
      [4, 0],
      [16, 7],
      [32, 0],
    ] as const
    kernel?.setXattr(Buffer.from(parent), name, posixAcl(entries.map((one) => [...one])))
    await using claim = await claimVolume(dataDir, volume)
    await using staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
    for (const path of ['', '/new', '/old', '/late'])
      expect(kernel?.listXattrs(Buffer.from(`${staging.pointer.staging}${path}`)), path).toEqual([])
    expect(lstatSync(staging.pointer.staging).mode & 0o777).toBe(0o700)
    await discardStaging(staging)
  },
)

test('an entry with the name and the inode of a staged one on another device is not moved into the volume', async () => {
  const { dataDir, volume } = oldVolume.onDisk()
  await recoverUntil({ dataDir, volume, point: 'moved out' })
  appendFileSync(editJournal(volume, 'new'), '["committed"]\n')
  expect((await settleJournals(dataDir)).settled).toMatchObject([{ outcome: 'went forward' }])
  const names = readdirSync(volume)
  expect(names).toContain('was a folder')
  expect(names).not.toContain('new only')
})

test('an old entry that differs from the journal is restored anyway', async () => {
  const { dataDir, volume, parent } = oldVolume.onDisk()
  const names = readdirSync(volume)
  await recoverUntil({ dataDir, volume, point: 'moved out' })
  editJournal(volume, 'old')
  expect((await settleJournals(dataDir)).settled).toMatchObject([{ outcome: 'went back' }])
  expect(readdirSync(volume)).toEqual(names)
  expect(readdirSync(parent)).toEqual(['db'])
})

test('a staging folder inside another directory at the path of the volume is left alone', async () => {
  const { dataDir, volume, base } = oldVolume.onDisk()
  await recoverUntil({ dataDir, volume, point: 'staged' })
  const file = `${dataDir}/recovers/${RID}.json`
  const inside = `${volume}/.backupd-recover-${RID}`
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), staging: inside }))
  renameSync(volume, `${base}/away`)
  mkdirSync(`${inside}/new`, { recursive: true })
  writeFileSync(`${inside}/new/precious`, 'of another recover')
  expect((await settleJournals(dataDir)).locked).toMatchObject([
    { volume, reason: expect.stringContaining('not the same directory as before') },
  ])
  expect(readFileSync(`${inside}/new/precious`, 'utf8')).toBe('of another recover')
})

test.skipIf(!loadKernel())('a volume is not settled while a run works on it (needs libc)', async () => {
  const { dataDir, volume } = oldVolume.onDisk()
  await recoverUntil({ dataDir, volume, point: 'moved out' })
  const before = contentOf(volume)
  await using _claim = await claimVolume(dataDir, volume)
  const { settled, locked } = await settleJournals(dataDir)
  expect(settled).toEqual([])
  expect(locked).toMatchObject([{ volume, reason: expect.stringContaining('Another run works on') }])
  expect(contentOf(volume)).toEqual(before)
})

/** Has the journal say that `<side> only` lies on another device. Returns its path. */
function editJournal(volume: string, side: 'old' | 'new'): string {
  const journal = `${volume}/../.backupd-recover-${RID}/journal`
  const lines = readFileSync(journal, 'utf8').split('\n')
  const at = lines.findIndex((line) => line.startsWith(`["${side}","${side} only"`))
  lines[at] = onOtherDevice(lines[at] ?? '')
  writeFileSync(journal, lines.join('\n'))
  return journal
}

function onOtherDevice(line: string): string {
  const [side, name, device, inode] = JSON.parse(line)
  return JSON.stringify([side, name, String(BigInt(device) + 1n), inode])
}

test.each([
  ['staging', undefined],
  ['swap', 'VOLUME_LOCKED'],
  ['copy', 'VOLUME_LOCKED'],
  ['done', undefined],
] as const)(
  'another recover of the volume that stopped in the phase "%s" refuses a new one: %s',
  async (phase, code) => {
    const { dataDir, volume, parent } = oldVolume.onDisk()
    await makeRecoversFolder(dataDir)
    const other = { rid: 'other', staging: `${parent}/.backupd-recover-other`, inode: null, mtimeNs: null }
    await savePointer(dataDir, { format: 1, phase, volume, ...other })
    await savePointer(dataDir, {
      ...other,
      format: 1,
      phase: 'swap',
      rid: 'elsewhere',
      volume: `${volume}-2`,
    })
    await using claim = await claimVolume(dataDir, volume)
    const staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) }).catch(
      (error: unknown) => error,
    )
    if (code) expect(staging).toMatchObject({ code, facts: { journal: other.staging, rid: 'other' } })
    else {
      await using given = staging as Staging
      await discardStaging(given)
    }
    expect((await readPointers(dataDir)).pointers.map(({ rid }) => rid)).toEqual(['elsewhere', 'other'])
  },
)
