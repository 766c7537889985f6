import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { settleJournals } from '../../../src/volume/swap/settle.ts'
import { discardStaging, prepareStaging } from '../../../src/volume/swap/staging.ts'
import { swapIn } from '../../../src/volume/swap/swap.ts'
import { claimVolume } from '../../../src/volume/swap/volume-claim.ts'
import { given } from '../../support/given.ts'
import { heldVolume } from '../../support/held-volume.ts'
import { recoverUntil } from '../../support/recover-until.ts'
import { contentOf, fillNew, fillOld, NEW_ROOT, RID } from '../../support/swap-content.ts'
import { canMount, mountTmpfs } from '../../support/tmpfs.ts'

const oldVolume = given.volume('/data/db').files(fillOld)

const QUIET = { root: NEW_ROOT, signal: new AbortController().signal, warn: () => {}, onRefused: () => {} }

function makeMountedWorld() {
  const world = oldVolume.onDisk()
  const volume = `${world.parent}/mounted`
  onTestFinished(mountTmpfs(volume))
  fillOld(volume)
  return { ...world, volume, before: contentOf(volume) }
}

test.skipIf(!canMount)(
  'with its own mount, staging lies inside and leaves no trace (needs mounts)',
  async () => {
    const { dataDir, volume, parent, before } = makeMountedWorld()
    await using claim = await claimVolume(dataDir, volume)
    const first = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
    expect(first.pointer.staging).toBe(`${volume}/.backupd-recover-${RID}`)
    await discardStaging(first)
    await first[Symbol.asyncDispose]()
    expect(contentOf(volume)).toEqual(before)
    await using staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
    fillNew(staging.target)
    await swapIn(staging, QUIET)
    expect(readdirSync(volume)).toContain('new only')
    expect(readdirSync(volume)).not.toContain('old only')
    expect(readdirSync(volume).filter((name) => name.startsWith('.backupd-'))).toEqual([])
    expect(readdirSync(parent).sort()).toEqual(['db', 'mounted'])
    expect(lstatSync(volume, { bigint: true }).mtimeNs).toBe(NEW_ROOT.mtimeNs)
  },
)

test.skipIf(!canMount).each(['staged', 'journal written', 'moved out', 'moved in', 'in place'])(
  'inside a mount, after a kill at "%s" the old content is restored, with its own time (needs mounts)',
  async (point) => {
    const { dataDir, volume, before } = makeMountedWorld()
    expect(await recoverUntil({ dataDir, volume, point })).toBe('SIGKILL')
    expect((await settleJournals(dataDir)).locked).toEqual([])
    expect(contentOf(volume)).toEqual(before)
  },
)

test.skipIf(!canMount).each(['committed', 'emptied', 'done'])(
  'inside a mount, after a kill at "%s" the new content is complete (needs mounts)',
  async (point) => {
    const { dataDir, volume } = makeMountedWorld()
    expect(await recoverUntil({ dataDir, volume, point })).toBe('SIGKILL')
    expect((await settleJournals(dataDir)).locked).toEqual([])
    expect(readdirSync(volume)).toContain('new only')
    expect(readdirSync(volume).filter((name) => name.startsWith('.backupd-'))).toEqual([])
    expect(lstatSync(volume, { bigint: true }).mtimeNs).toBe(NEW_ROOT.mtimeNs)
  },
)

test.skipIf(!canMount)('a mount that is missing after a crash locks the volume (needs mounts)', async () => {
  const { dataDir, volume, parent, before } = makeMountedWorld()
  await recoverUntil({ dataDir, volume, point: 'moved in' })
  mkdirSync(`${parent}/elsewhere`)
  execFileSync('mount', ['--move', volume, `${parent}/elsewhere`])
  expect((await settleJournals(dataDir)).locked).toMatchObject([{ volume }])
  expect(readdirSync(volume)).toEqual([])
  execFileSync('mount', ['--move', `${parent}/elsewhere`, volume])
  expect((await settleJournals(dataDir)).settled).toHaveLength(1)
  expect(contentOf(volume)).toEqual(before)
})

test.skipIf(!canMount)('a mount inside the volume is named, and nothing moves (needs mounts)', async () => {
  const { dataDir, volume } = oldVolume.onDisk()
  onTestFinished(mountTmpfs(`${volume}/was a folder/deep`))
  writeFileSync(`${volume}/was a folder/deep/precious`, 'x')
  await using claim = await claimVolume(dataDir, volume)
  await using staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
  fillNew(staging.target)
  await expect(swapIn(staging, QUIET)).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringContaining('deep'),
  })
  await discardStaging(staging)
  expect(existsSync(`${volume}/was a folder/deep/precious`)).toBe(true)
})

test.skipIf(!canMount)('a volume mounted read-only is refused (needs mounts)', async () => {
  const { dataDir, parent } = oldVolume.onDisk()
  const volume = `${parent}/mounted`
  onTestFinished(mountTmpfs(volume, 'ro'))
  await using claim = await claimVolume(dataDir, volume)
  await expect(prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringContaining('read-only'),
  })
  expect(existsSync(`${dataDir}/recovers/${RID}.json`)).toBe(false)
})
