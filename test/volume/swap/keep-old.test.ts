import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadKernel } from '../../../src/lib/kernel.ts'
import { dropKept } from '../../../src/volume/swap/drop-kept.ts'
import { findOwnStaging } from '../../../src/volume/swap/find-own-staging.ts'
import { type KeptNote, listPresentNotes, readKeptNotes } from '../../../src/volume/swap/kept-note.ts'
import { findLostCopies } from '../../../src/volume/swap/sealed-note.ts'
import { settleJournals } from '../../../src/volume/swap/settle.ts'
import { given } from '../../support/given.ts'
import { heldVolume } from '../../support/held-volume.ts'
import { recoverUntil } from '../../support/recover-until.ts'
import { contentOf, fillNew, fillOld, RID } from '../../support/swap-content.ts'
import { compareTrees } from '../../support/tree-compare.ts'

const oldVolume = given.volume('/data/db').files(fillOld)
const UNDO_RID = RID.replaceAll('a', 'b')
const OTHER_RID = RID.replaceAll('a', 'c')

interface World {
  base: string
  dataDir: string
  volume: string
  parent: string
}

const recover = (world: World, more: object = {}) =>
  recoverUntil({ dataDir: world.dataDir, volume: world.volume, point: 'never', keepMs: 60_000, ...more })
const undo = (world: World, more: object = {}) => recover(world, { undo: RID, rid: UNDO_RID, ...more })

const present = async ({ dataDir }: { dataDir: string }): Promise<KeptNote[]> =>
  listPresentNotes(await readKeptNotes(dataDir))

function isNew({ base, volume }: World): boolean {
  const expected = `${base}/expected`
  if (!existsSync(expected)) {
    mkdirSync(expected)
    fillNew(expected)
  }
  return compareTrees(expected, volume, { ignoreRoot: true, ignore: ['mtimeNs'] }).length === 0
}

/** The content of the volume without a staging folder that lies in it. */
const treeOf = ({ volume }: World) => contentOf(volume)

test('what a recover replaced is kept beside the volume, counted, and put back by an undo with all metadata', async () => {
  const world = oldVolume.onDisk()
  const before = treeOf(world)
  await recover(world)
  expect(isNew(world)).toBe(true)
  const [note] = await present(world)
  expect(note).toMatchObject({ id: RID, rid: RID, volume: world.volume, content: 'old', files: 5 })
  expect(readdirSync(world.parent).sort()).toEqual([`.backupd-recover-${RID}`, 'db'])
  await undo(world)
  expect(treeOf(world)).toEqual(before)
  expect(await present(world)).toMatchObject([{ id: RID, rid: UNDO_RID, content: 'new' }])
})

test('an undo can be undone, again and again', async () => {
  const world = oldVolume.onDisk()
  const before = treeOf(world)
  await recover(world)
  await undo(world)
  await recover(world, { undo: UNDO_RID, rid: OTHER_RID })
  expect(isNew(world)).toBe(true)
  await recover(world, { undo: OTHER_RID, rid: RID.replaceAll('a', 'd') })
  expect(treeOf(world)).toEqual(before)
  expect(await present(world)).toHaveLength(1)
})

const BEFORE = ['journal written', 'moved', 'moved out', 'moved in', 'in place']
const AFTER = ['committed', 'kept', 'done']

test.each(BEFORE)(
  'a recover that keeps, killed at "%s", leaves the old content and keeps nothing',
  async (point) => {
    const world = oldVolume.onDisk()
    const before = treeOf(world)
    expect(await recover(world, { point, time: point === 'moved' ? 7 : 1 })).toBe('SIGKILL')
    expect((await settleJournals(world.dataDir)).locked).toEqual([])
    expect(treeOf(world)).toEqual(before)
    expect(await readKeptNotes(world.dataDir)).toEqual([])
    expect(readdirSync(world.parent)).toEqual(['db'])
  },
)

test.each(AFTER)(
  'a recover that keeps, killed at "%s", has the new content and keeps the old',
  async (point) => {
    const world = oldVolume.onDisk()
    const before = treeOf(world)
    expect(await recover(world, { point })).toBe('SIGKILL')
    expect((await settleJournals(world.dataDir)).locked).toEqual([])
    expect(isNew(world)).toBe(true)
    expect(await present(world)).toMatchObject([{ rid: RID, files: 5 }])
    await undo(world)
    expect(treeOf(world)).toEqual(before)
  },
)

test.each([...BEFORE, 'staged'])(
  'an undo killed at "%s" changes nothing, and can be done again',
  async (point) => {
    const world = oldVolume.onDisk()
    const before = treeOf(world)
    await recover(world)
    expect(await undo(world, { point, time: point === 'moved' ? 7 : 1 })).toBe('SIGKILL')
    expect((await settleJournals(world.dataDir)).locked).toEqual([])
    expect(isNew(world)).toBe(true)
    expect(await present(world)).toMatchObject([{ rid: RID }])
    await undo(world)
    expect(treeOf(world)).toEqual(before)
  },
)

test.each(AFTER)('an undo killed at "%s" is complete, and keeps what it replaced', async (point) => {
  const world = oldVolume.onDisk()
  const before = treeOf(world)
  await recover(world)
  expect(await undo(world, { point })).toBe('SIGKILL')
  expect((await settleJournals(world.dataDir)).locked).toEqual([])
  expect(treeOf(world)).toEqual(before)
  expect(await present(world)).toMatchObject([{ rid: UNDO_RID }])
})

test.each(['never', ...AFTER])(
  'a later recover replaces the copy, also if it is killed at "%s"',
  async (point) => {
    const world = oldVolume.onDisk()
    await recover(world)
    writeFileSync(`${world.volume}/since`, 'since')
    await recover(world, { rid: OTHER_RID, point })
    await settleJournals(world.dataDir)
    const [note, ...others] = await present(world)
    expect([note?.rid, others]).toEqual([OTHER_RID, []])
    const rest = (await readKeptNotes(world.dataDir)).filter(({ id }) => id === RID)
    const options = { volume: heldVolume(world.volume), warn: expect.unreachable }
    for (const one of rest) await dropKept(world.dataDir, one, options)
    expect(readdirSync(world.parent).sort()).toEqual([`.backupd-recover-${OTHER_RID}`, 'db'])
  },
)

test('a removal that was killed half way is never put back, and is finished', async () => {
  const world = oldVolume.onDisk()
  await recover(world)
  const [note] = await present(world)
  if (!note) throw new Error('nothing is kept')
  const stop = AbortSignal.abort(new Error('killed'))
  const dropping = { volume: heldVolume(world.volume), warn: expect.unreachable }
  await expect(dropKept(world.dataDir, note, { ...dropping, signal: stop })).rejects.toThrow('killed')
  expect(await present(world)).toEqual([])
  await dropKept(world.dataDir, note, dropping)
  expect(await readKeptNotes(world.dataDir)).toEqual([])
  expect(readdirSync(world.parent)).toEqual(['db'])
})

test('a folder that took the place of a copy is neither removed nor put back', async () => {
  const world = oldVolume.onDisk()
  await recover(world)
  const [note] = await present(world)
  if (!note) throw new Error('nothing is kept')
  renameSync(note.staging, `${world.parent}/away`)
  mkdirSync(`${note.staging}/old`, { recursive: true })
  writeFileSync(`${note.staging}/old/foreign`, 'x')
  await undo(world)
  expect(isNew(world)).toBe(true)
  const warnings: string[] = []
  const warn = (message: string) => void warnings.push(message)
  await dropKept(world.dataDir, note, { volume: heldVolume(world.volume), warn })
  expect(warnings).toMatchObject([expect.stringContaining('is not the folder that a recover kept')])
  expect(existsSync(`${note.staging}/old/foreign`)).toBe(true)
})

test('a copy is found again after the data directory was lost, and can be put back', async () => {
  const world = oldVolume.onDisk()
  const before = treeOf(world)
  await recover(world)
  rmSync(world.dataDir, { recursive: true })
  mkdirSync(world.dataDir)
  const found = await findLostCopies(world.dataDir, heldVolume(world.volume), expect.unreachable)
  expect(found).toMatchObject([{ rid: RID }])
  await undo(world)
  expect(treeOf(world)).toEqual(before)
})

test('a forged copy in a volume is not taken for one after the data directory was lost', async () => {
  const world = oldVolume.onDisk()
  await recover(world, { inside: true })
  const [note] = await present(world)
  if (!note) throw new Error('nothing is kept')
  expect(note.staging).toBe(`${world.volume}/.backupd-recover-${RID}`)
  rmSync(world.dataDir, { recursive: true })
  mkdirSync(world.dataDir)
  const find = () => findLostCopies(world.dataDir, heldVolume(world.volume), () => {})
  // A container can write the note, but not the seal.
  const seal = Buffer.from('trusted.backupd.kept')
  const value = loadKernel()?.getXattr(Buffer.from(note.staging), seal)
  loadKernel()?.removeXattr(Buffer.from(note.staging), seal)
  expect(await find()).toEqual([])
  if (value) loadKernel()?.setXattr(Buffer.from(note.staging), seal, value)
  writeFileSync(`${note.staging}/kept`, JSON.stringify({ ...note, untilMs: 0 }))
  expect(await find()).toEqual([])
  writeFileSync(`${note.staging}/kept`, JSON.stringify(note))
  expect(await find()).toMatchObject([{ rid: RID }])
})

test('only the copy of this daemon is left out of a backup, not a folder of such a name', async () => {
  const world = oldVolume.onDisk()
  await recover(world, { inside: true })
  const why = findOwnStaging(world.dataDir, world.volume)
  const nameOf = (rid: string) => Buffer.from(`.backupd-recover-${rid}`)
  const top = Buffer.alloc(0)
  expect(why(top, nameOf(RID))).toContain(`is what the recover ${RID} replaced and keeps`)
  expect(why(top, nameOf(OTHER_RID))).toBeUndefined()
  expect(why(Buffer.from('deeper'), nameOf(RID))).toBeUndefined()
})

test('a copy inside the volume is left where it is by a swap, an undo and a removal keep the time of the volume', async () => {
  const world = oldVolume.onDisk()
  const before = treeOf(world).tree
  await recover(world, { inside: true })
  await undo(world)
  const [note] = await present(world)
  if (!note) throw new Error('nothing is kept')
  await dropKept(world.dataDir, note, { volume: heldVolume(world.volume), warn: expect.unreachable })
  expect(treeOf(world).tree).toEqual(before)
})
