import {
  appendFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { expect, test } from 'vitest'
import { settleJournals, settleVolume } from '../../../src/volume/swap/settle.ts'
import { prepareStaging } from '../../../src/volume/swap/staging.ts'
import { claimVolume } from '../../../src/volume/swap/volume-claim.ts'
import { given } from '../../support/given.ts'
import { heldVolume } from '../../support/held-volume.ts'
import { recoverUntil } from '../../support/recover-until.ts'
import { contentOf, fillNew, fillOld, RID } from '../../support/swap-content.ts'
import { compareTrees } from '../../support/tree-compare.ts'

const oldVolume = given.volume('/data/db').files(fillOld)

function expectNewContent(base: string, volume: string): void {
  mkdirSync(`${base}/expected`)
  fillNew(`${base}/expected`)
  expect(compareTrees(`${base}/expected`, volume, { ignoreRoot: true, ignore: ['mtimeNs'] })).toEqual([])
}

const beforeTheMark: [string, number][] = [
  ['journal written', 1],
  ...[1, 2, 3, 5, 6, 7, 9, 10].map((time): [string, number] => ['moved', time]),
  ['moved out', 1],
  ['moved in', 1],
  ['in place', 1],
]

test.each(beforeTheMark)('after a kill at "%s" (%i) the old content is restored', async (point, time) => {
  const { dataDir, volume, parent } = oldVolume.onDisk()
  const before = contentOf(volume)
  expect(await recoverUntil({ dataDir, volume, point, time })).toBe('SIGKILL')
  expect(existsSync(`${dataDir}/recovers/${RID}.json`)).toBe(true)
  const result = await settleJournals(dataDir)
  expect(result).toEqual({ settled: [{ volume, rid: RID, outcome: 'went back' }], locked: [], warnings: [] })
  expect(contentOf(volume)).toEqual(before)
  expect(readdirSync(parent)).toEqual(['db'])
  expect(existsSync(`${dataDir}/recovers/${RID}.json`)).toBe(false)
})

test.each([
  ['committed', 'went forward'],
  ['emptied', 'went forward'],
  ['done', 'swept'],
])('after a kill at "%s" the new content is complete', async (point, outcome) => {
  const { base, dataDir, volume, parent } = oldVolume.onDisk()
  const inode = lstatSync(volume).ino
  expect(await recoverUntil({ dataDir, volume, point, unpackFaults: 2 })).toBe('SIGKILL')
  const result = await settleJournals(dataDir)
  const inexact = outcome === 'went forward' ? { faults: 2 } : {}
  expect(result.settled).toEqual([{ volume, rid: RID, outcome, ...inexact }])
  expectNewContent(base, volume)
  expect(lstatSync(volume).ino).toBe(inode)
  expect(lstatSync(volume).mode & 0o7777).toBe(0o751)
  expect(readdirSync(parent)).toEqual(['db'])
})

test('after a kill during unpacking the staging folder is removed and the volume untouched', async () => {
  const { dataDir, volume, parent } = oldVolume.onDisk()
  const before = contentOf(volume)
  expect(await recoverUntil({ dataDir, volume, point: 'staged' })).toBe('SIGKILL')
  expect(readdirSync(parent)).toHaveLength(2)
  expect((await settleJournals(dataDir)).settled).toEqual([{ volume, rid: RID, outcome: 'swept' }])
  expect(contentOf(volume)).toEqual(before)
  expect(readdirSync(parent)).toEqual(['db'])
})

test.each(['in place', 'committed'])(
  'after a kill at "%s" a missing volume is complete or does not exist',
  async (point) => {
    const { base, dataDir, parent } = oldVolume.onDisk()
    const volume = `${parent}/fresh`
    expect(await recoverUntil({ dataDir, volume, point })).toBe('SIGKILL')
    expect((await settleJournals(dataDir)).settled).toEqual([{ volume, rid: RID, outcome: 'swept' }])
    if (point === 'committed') expectNewContent(base, volume)
    expect(readdirSync(parent).sort()).toEqual(point === 'committed' ? ['db', 'fresh'] : ['db'])
  },
)

test('a swap killed twice, the second time while it is undone, is settled', async () => {
  const { dataDir, volume } = oldVolume.onDisk()
  const before = contentOf(volume)
  await recoverUntil({ dataDir, volume, point: 'moved in' })
  // What a second crash leaves: one of ours already taken out, one of the old already back.
  const staging = `${volume}/../.backupd-recover-${RID}`
  renameSync(`${volume}/new only`, `${staging}/new/new only`)
  renameSync(`${staging}/old/old only`, `${volume}/old only`)
  expect((await settleJournals(dataDir)).settled).toHaveLength(1)
  expect(contentOf(volume)).toEqual(before)
})

test('a kill between the two names of a move without rename leaves one name, without a warning', async () => {
  const { dataDir, volume, parent } = oldVolume.onDisk()
  const before = contentOf(volume)
  await recoverUntil({ dataDir, volume, point: 'moved out' })
  const staging = `${parent}/.backupd-recover-${RID}`
  linkSync(`${staging}/old/old only`, `${volume}/old only`)
  expect(await settleJournals(dataDir)).toEqual({
    settled: [{ volume, rid: RID, outcome: 'went back' }],
    locked: [],
    warnings: [],
  })
  expect(contentOf(volume)).toEqual(before)
  expect(readdirSync(parent)).toEqual(['db'])
})

test('entries made after the crash are kept when the swap is undone', async () => {
  const { dataDir, volume } = oldVolume.onDisk()
  await recoverUntil({ dataDir, volume, point: 'moved out', appear: ['at work', 'both'] })
  writeFileSync(`${volume}/after the crash`, 'x')
  const { settled, warnings } = await settleJournals(dataDir)
  expect(settled).toHaveLength(1)
  const names = readdirSync(volume)
  for (const name of ['at work', 'after the crash', 'both', 'old only']) expect(names).toContain(name)
  expect(names).not.toContain('new only')
  expect(warnings.join()).toContain('both')
})

test('a missing volume is locked, and settled when it is back', async () => {
  const { dataDir, volume } = oldVolume.onDisk()
  const before = contentOf(volume)
  await recoverUntil({ dataDir, volume, point: 'moved out' })
  renameSync(volume, `${volume}.away`)
  const first = await settleJournals(dataDir)
  expect(first.settled).toEqual([])
  expect(first.locked).toMatchObject([{ volume, reason: expect.stringContaining('does not exist') }])
  mkdirSync(volume)
  expect((await settleJournals(dataDir)).locked).toMatchObject([
    { reason: expect.stringContaining('not the same directory as before') },
  ])
  await using claim = await claimVolume(dataDir, volume)
  await expect(
    prepareStaging(claim, { rid: `${RID.slice(0, -1)}b`, volume: heldVolume(claim.volume) }),
  ).rejects.toMatchObject({
    code: 'VOLUME_LOCKED',
  })
  await claim[Symbol.asyncDispose]()
  renameSync(volume, `${volume}.empty`)
  renameSync(`${volume}.away`, volume)
  expect((await settleJournals(dataDir)).settled).toHaveLength(1)
  expect(contentOf(volume)).toEqual(before)
})

test.each(['../../victim', '\\\\x2e\\\\x2e', '..', ''])(
  'a journal that names %j moves nothing',
  async (name) => {
    const { base, dataDir, volume } = oldVolume.onDisk()
    await recoverUntil({ dataDir, volume, point: 'journal written' })
    const staging = `${volume}/../.backupd-recover-${RID}`
    const victim = `${base}/victim`
    writeFileSync(victim, 'x')
    const journal = readFileSync(`${staging}/journal`, 'utf8')
    const { dev, ino } = lstatSync(victim, { bigint: true })
    writeFileSync(
      `${staging}/journal`,
      journal.replace('["sealed"]', `["new","${name}","${dev}","${ino}"]\n["sealed"]`),
    )
    appendFileSync(`${staging}/journal`, '["committed"]\n')
    expect((await settleJournals(dataDir)).locked).toMatchObject([
      { reason: expect.stringContaining('not a file name') },
    ])
    expect(existsSync(victim)).toBe(true)
  },
)

/** Cuts the journal off behind its first `lines` lines, as a damaged disk may. */
function cutJournal(staging: string, lines: number): void {
  const journal = readFileSync(`${staging}/journal`, 'utf8').split('\n')
  expect(journal).toContain('["sealed"]')
  writeFileSync(`${staging}/journal`, `${journal.slice(0, lines).join('\n')}\n`)
}

test.each(['moved out', 'moved in', 'committed'])(
  'after a kill at "%s" a journal without its seal locks the volume, and nothing is moved',
  async (point) => {
    const { dataDir, volume } = oldVolume.onDisk()
    await recoverUntil({ dataDir, volume, point })
    const staging = `${volume}/../.backupd-recover-${RID}`
    cutJournal(staging, 2)
    const before = [contentOf(volume), contentOf(`${staging}/old`), contentOf(`${staging}/new`)]
    const { settled, locked } = await settleJournals(dataDir)
    expect(settled).toEqual([])
    expect(locked).toEqual([{ volume, journal: expect.any(String), reason: 'its journal is damaged' }])
    expect([contentOf(volume), contentOf(`${staging}/old`), contentOf(`${staging}/new`)]).toEqual(before)
    expect(existsSync(`${dataDir}/recovers/${RID}.json`)).toBe(true)
  },
)

test.each(['', '["committed"]\n'])(
  'a journal without its seal that ends in %j is removed if nothing was moved',
  async (end) => {
    const { dataDir, volume, parent } = oldVolume.onDisk()
    const before = contentOf(volume)
    await recoverUntil({ dataDir, volume, point: 'journal written' })
    const staging = `${volume}/../.backupd-recover-${RID}`
    cutJournal(staging, 2)
    appendFileSync(`${staging}/journal`, end)
    expect(await settleJournals(dataDir)).toEqual({
      settled: [{ volume, rid: RID, outcome: 'went back' }],
      locked: [],
      warnings: [],
    })
    expect(contentOf(volume)).toEqual(before)
    expect(readdirSync(parent)).toEqual(['db'])
  },
)

test('a journal with an endless line is not read into memory', async () => {
  const { dataDir, volume } = oldVolume.onDisk()
  await recoverUntil({ dataDir, volume, point: 'journal written' })
  const journal = `${volume}/../.backupd-recover-${RID}/journal`
  writeFileSync(journal, Buffer.alloc((16 << 20) + 1, 'x'))
  expect((await settleJournals(dataDir)).locked).toMatchObject([
    { volume, reason: expect.stringContaining('a line of more than') },
  ])
})

test('a link in place of the staging folder is not followed', async () => {
  const { base, dataDir, volume } = oldVolume.onDisk()
  await recoverUntil({ dataDir, volume, point: 'staged' })
  const staging = `${volume}/../.backupd-recover-${RID}`
  renameSync(staging, `${base}/elsewhere`)
  symlinkSync(`${base}/elsewhere`, staging)
  expect((await settleJournals(dataDir)).locked).toHaveLength(1)
  expect(readdirSync(`${base}/elsewhere/new`)).not.toEqual([])
})

test('an unreadable pointer locks every volume, and its file is named', async () => {
  const { dataDir, volume } = oldVolume.onDisk()
  await recoverUntil({ dataDir, volume, point: 'moved out' })
  writeFileSync(`${dataDir}/recovers/${RID}.json`, '{')
  const { settled, locked } = await settleJournals(dataDir)
  expect(settled).toEqual([])
  expect(locked).toMatchObject([{ volume: '/', journal: `${dataDir}/recovers/${RID}.json` }])
  await using claim = await claimVolume(dataDir, volume)
  expect((await settleVolume(claim)).locked).toMatchObject([
    { volume, journal: `${dataDir}/recovers/${RID}.json` },
  ])
})
