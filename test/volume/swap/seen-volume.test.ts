import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readMajor } from '../../../src/lib/kernel/device-number.ts'
import { findOwnStaging } from '../../../src/volume/swap/find-own-staging.ts'
import { settleJournals, settleVolume } from '../../../src/volume/swap/settle.ts'
import { prepareStaging } from '../../../src/volume/swap/staging.ts'
import { claimVolume } from '../../../src/volume/swap/volume-claim.ts'
import { given } from '../../support/given.ts'
import { heldVolume } from '../../support/held-volume.ts'
import { recoverUntil } from '../../support/recover-until.ts'
import { contentOf, fillOld, RID } from '../../support/swap-content.ts'

/** A recover that was killed when everything was in the volume, but not yet committed. */
async function makeHalfSwapped(point = 'moved in') {
  const world = given.volume('/data/db').files(fillOld).onDisk()
  const before = contentOf(world.volume)
  expect(await recoverUntil({ ...world, point })).toBe('SIGKILL')
  const file = join(world.dataDir, 'recovers', `${RID}.json`)
  const pointer = JSON.parse(readFileSync(file, 'utf8'))
  const save = (changed: object) => writeFileSync(file, JSON.stringify(changed))
  return { ...world, before, pointer, save }
}

const OTHER_DISK = String(0x812345)

test.each<[string, (seen: Record<string, string>) => object, string]>([
  ['born at another time', () => ({ birthtimeNs: '1' }), 'birth time'],
  ['on another mount', () => ({ mount: 'none', device: OTHER_DISK }), 'another mount'],
])('a volume that is %s is not settled, and is locked with the reason', async (_, change, words) => {
  const { dataDir, volume, before, pointer, save } = await makeHalfSwapped()
  const half = contentOf(volume)
  save({ ...pointer, seen: { ...pointer.seen, ...change(pointer.seen) } })
  const { locked, settled } = await settleJournals(dataDir)
  expect(settled).toEqual([])
  expect(locked).toMatchObject([{ volume, reason: expect.stringContaining(words) }])
  expect(contentOf(volume)).toEqual(half)
  save(pointer)
  expect((await settleJournals(dataDir)).settled).toMatchObject([{ outcome: 'went back' }])
  expect(contentOf(volume)).toEqual(before)
})

test.each(['staging', 'done'])(
  'nothing is removed from another directory at the path of the volume, in the phase "%s"',
  async (phase) => {
    const { dataDir, volume } = given.volume('/data/db').files(fillOld).onDisk()
    await using claim = await claimVolume(dataDir, volume)
    const staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(volume) })
    await staging[Symbol.asyncDispose]()
    const { pointer } = staging
    const inside = join(volume, `.backupd-recover-${RID}`)
    renameSync(pointer.staging, inside)
    const file = join(dataDir, 'recovers', `${RID}.json`)
    const save = (changed: object) =>
      writeFileSync(file, JSON.stringify({ ...pointer, phase, staging: inside, ...changed }))
    save({ seen: { ...pointer.seen, birthtimeNs: '1' } })
    const { locked, settled } = await settleVolume(claim)
    expect(settled).toEqual([])
    expect(locked).toMatchObject([{ volume, reason: expect.stringContaining('birth time') }])
    expect(readdirSync(inside).sort()).toEqual(['late', 'new', 'old'])
    save({})
    expect((await settleVolume(claim)).settled).toMatchObject([{ outcome: 'swept' }])
    expect(existsSync(inside)).toBe(false)
  },
)

test('mounts are compared within one boot and one mount namespace only', async () => {
  for (const other of [{ boot: 'another' }, { namespace: 'mnt:[1]' }]) {
    const { dataDir, volume, before, pointer, save } = await makeHalfSwapped()
    save({ ...pointer, seen: { ...pointer.seen, ...other, mount: 'none', device: OTHER_DISK } })
    expect((await settleJournals(dataDir)).locked).toEqual([])
    expect(contentOf(volume)).toEqual(before)
  }
})

test('a disk that is mounted again is the same volume', async () => {
  const { dataDir, volume, before, pointer, save } = await makeHalfSwapped()
  expect(readMajor(BigInt(pointer.seen.device)), 'a disk, not a file system in memory').not.toBe(0)
  save({ ...pointer, seen: { ...pointer.seen, mount: 'none' } })
  expect((await settleJournals(dataDir)).locked).toEqual([])
  expect(contentOf(volume)).toEqual(before)
})

test('a walk leaves out the staging folder of a recover at its exact place only', async () => {
  const { dataDir, parent } = await makeHalfSwapped()
  const name = Buffer.from(`.backupd-recover-${RID}`)
  const own = findOwnStaging(dataDir, parent)
  expect(own(Buffer.alloc(0), name)).toContain(RID)
  expect(own(Buffer.from('deeper'), name)).toBeUndefined()
  expect(findOwnStaging(dataDir, join(parent, 'db'))(Buffer.alloc(0), name)).toBeUndefined()
  expect(own(Buffer.alloc(0), Buffer.from('.backupd-recover-../x'))).toBeUndefined()
})

test('a journal without the nonce of its pointer is not used', async () => {
  const { dataDir, volume, before, pointer, save } = await makeHalfSwapped()
  save({ ...pointer, nonce: 'another' })
  expect((await settleJournals(dataDir)).locked).toMatchObject([
    { volume, reason: 'its journal is not the one of this recover' },
  ])
  save(pointer)
  expect((await settleJournals(dataDir)).settled).toHaveLength(1)
  expect(contentOf(volume)).toEqual(before)
})

test('leftovers of an older daemon are settled as before', async () => {
  const { dataDir, volume, before, pointer, save } = await makeHalfSwapped()
  const { nonce, seen, ...older } = pointer
  expect([nonce, seen]).not.toContain(undefined)
  const journal = join(pointer.staging, 'journal')
  writeFileSync(journal, readFileSync(journal, 'utf8').replace(`"nonce":"${nonce}",`, ''))
  save(older)
  expect((await settleJournals(dataDir)).settled).toMatchObject([{ outcome: 'went back' }])
  expect(contentOf(volume)).toEqual(before)
})
