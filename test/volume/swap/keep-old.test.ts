import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { loadKernel } from '../../../src/lib/kernel.ts'
import { dropKept } from '../../../src/volume/swap/drop-kept.ts'
import { findOwnStaging } from '../../../src/volume/swap/find-own-staging.ts'
import { type KeptNote, listPresentNotes, readKeptNotes } from '../../../src/volume/swap/kept-note.ts'
import { findLostCopies, type SearchedVolume } from '../../../src/volume/swap/sealed-note.ts'
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

const find = (world: World, more: Partial<SearchedVolume> = {}) =>
  findLostCopies(world.dataDir, {
    volume: heldVolume(world.volume),
    path: world.volume,
    volumes: [world.volume],
    untilMs: Number.MAX_SAFE_INTEGER,
    warn: () => {},
    ...more,
  })

function loseData({ dataDir }: World): void {
  rmSync(dataDir, { recursive: true })
  mkdirSync(dataDir)
}

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
  const found = await find(world, { warn: expect.unreachable })
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
  // A container can write the note, but not the seal.
  const seal = Buffer.from('trusted.backupd.kept')
  const value = loadKernel()?.getXattr(Buffer.from(note.staging), seal)
  loadKernel()?.removeXattr(Buffer.from(note.staging), seal)
  expect(await find(world)).toEqual([])
  if (value) loadKernel()?.setXattr(Buffer.from(note.staging), seal, value)
  writeFileSync(`${note.staging}/kept`, JSON.stringify({ ...note, untilMs: 0 }))
  expect(await find(world)).toEqual([])
  writeFileSync(`${note.staging}/kept`, JSON.stringify(note))
  expect(await find(world)).toMatchObject([{ rid: RID }])
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

async function noteOf(world: World): Promise<KeptNote> {
  const [note] = await present(world)
  if (!note) throw new Error('nothing is kept')
  return note
}

test('a directory that the daemon may not enter is kept and not counted, and locks nothing', async () => {
  const world = oldVolume.onDisk()
  mkdirSync(`${world.volume}/was a folder/closed/inner`, { recursive: true })
  execFileSync('chown', ['-R', '65534:65534', world.base])
  chmodSync(`${world.volume}/was a folder/closed`, 0o444)
  await recover(world, { uid: 65_534 })
  expect((await settleJournals(world.dataDir)).locked).toEqual([])
  expect(await present(world)).toMatchObject([{ rid: RID, files: 5 }])
  expect(readdirSync(world.parent).sort()).toEqual([`.backupd-recover-${RID}`, 'db'])
})

test('a sealed note that cannot be written locks nothing, and the copy can be put back', async () => {
  const world = oldVolume.onDisk()
  const before = treeOf(world)
  await recover(world, { plant: { name: 'kept', type: 'directory' } })
  expect((await settleJournals(world.dataDir)).settled).toEqual([])
  await undo(world)
  expect(treeOf(world)).toEqual(before)
})

test('a data directory that takes no note locks nothing, and the copy is noted once it does', async () => {
  const world = oldVolume.onDisk()
  const before = treeOf(world)
  await recover(world, { plant: { name: 'kept', type: 'file' } })
  expect(isNew(world)).toBe(true)
  const { locked, warnings } = await settleJournals(world.dataDir)
  expect([locked, warnings]).toEqual([[], [expect.stringContaining('cannot be put back yet')]])
  rmSync(`${world.dataDir}/kept`)
  expect((await settleJournals(world.dataDir)).locked).toEqual([])
  expect(await present(world)).toMatchObject([{ rid: RID }])
  await undo(world)
  expect(treeOf(world)).toEqual(before)
})

test('a FIFO of the name of the sealed note does not hold a recover up', { timeout: 30_000 }, async () => {
  const world = oldVolume.onDisk()
  await recover(world, { inside: true, plant: { name: 'kept.tmp', type: 'fifo' } })
  expect(await present(world)).toMatchObject([{ rid: RID }])
})

test('a note that was found says nothing of other copies, its path or times without end', async () => {
  const world = oldVolume.onDisk()
  await recover(world)
  const note = await noteOf(world)
  loseData(world)
  const forged = { ...note, path: '/etc', replaces: [OTHER_RID], untilMs: 8e15, madeMs: 8e15 }
  writeFileSync(`${note.staging}/kept`, JSON.stringify(forged))
  expect(await find(world, { path: '/named', untilMs: 5 })).toMatchObject([
    { path: '/named', replaces: [], untilMs: 5, madeMs: 5 },
  ])
})

test('a note of one volume replaces no copy of another', () => {
  const note = { id: RID, volume: '/a', replaces: [] } as unknown as KeptNote
  const forged = { id: OTHER_RID, volume: '/b', replaces: [RID] } as unknown as KeptNote
  expect(listPresentNotes([note, forged])).toEqual([note, forged])
})

test('a copy beside a volume that lies in another volume counts only with the seal', async () => {
  const world = oldVolume.onDisk()
  await recover(world)
  const note = await noteOf(world)
  loseData(world)
  writeFileSync(`${note.staging}/kept`, `${readFileSync(`${note.staging}/kept`, 'utf8')} `)
  expect(await find(world, { volumes: [world.volume, dirname(world.volume)] })).toEqual([])
  expect(await find(world)).toMatchObject([{ rid: RID }])
})

test("a container's own folder in the place of a copy is backed up", async () => {
  const world = oldVolume.onDisk()
  await recover(world, { inside: true })
  const { staging } = await noteOf(world)
  renameSync(staging, `${world.parent}/away`)
  mkdirSync(staging)
  const name = Buffer.from(`.backupd-recover-${RID}`)
  expect(findOwnStaging(world.dataDir, world.volume)(Buffer.alloc(0), name)).toBeUndefined()
})

test('half a copy is not found again after a removal was killed and the data directory lost', async () => {
  const world = oldVolume.onDisk()
  await recover(world)
  const signal = AbortSignal.abort(new Error('killed'))
  const dropping = { volume: heldVolume(world.volume), warn: expect.unreachable, signal }
  await expect(dropKept(world.dataDir, await noteOf(world), dropping)).rejects.toThrow('killed')
  loseData(world)
  expect(await find(world)).toEqual([])
})

test('a folder with the inode of a copy but another time of birth is not touched by an undo', async () => {
  const world = oldVolume.onDisk()
  await recover(world)
  const note = await noteOf(world)
  expect(note.stagingBirthNs).toMatch(/^\d+$/)
  writeFileSync(`${world.dataDir}/kept/${RID}.json`, JSON.stringify({ ...note, stagingBirthNs: '1' }))
  writeFileSync(`${note.staging}/journal`, 'foreign')
  await undo(world)
  expect([isNew(world), readFileSync(`${note.staging}/journal`, 'utf8')]).toEqual([true, 'foreign'])
})

test('an earlier version does not settle a recover that keeps: its pointer has another format', async () => {
  const world = oldVolume.onDisk()
  await recover(world, { point: 'moved in' })
  const pointer = readFileSync(`${world.dataDir}/recovers/${RID}.json`, 'utf8')
  expect(JSON.parse(pointer)).toMatchObject({ format: 2, phase: 'swap' })
})
