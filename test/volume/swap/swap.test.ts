import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadKernel } from '../../../src/lib/kernel.ts'
import { settleVolume } from '../../../src/volume/swap/settle.ts'
import { discardStaging, prepareStaging } from '../../../src/volume/swap/staging.ts'
import { swapIn } from '../../../src/volume/swap/swap.ts'
import type { Checkpoint, SwapOptions } from '../../../src/volume/swap/swap-options.ts'
import { claimVolume } from '../../../src/volume/swap/volume-claim.ts'
import { given } from '../../support/given.ts'
import { heldVolume } from '../../support/held-volume.ts'
import { contentOf, fillNew, fillOld, NEW_ROOT, RID } from '../../support/swap-content.ts'
import { compareTrees } from '../../support/tree-compare.ts'

const oldVolume = given.volume('/data/db').files(fillOld)

function optionsOf(change: Partial<SwapOptions> = {}) {
  const warnings: string[] = []
  const note = (message: string) => void warnings.push(message)
  const signal = new AbortController().signal
  return { warnings, options: { root: NEW_ROOT, signal, warn: note, onRefused: note, ...change } }
}

/** What the volume should look like afterwards, made elsewhere. */
function expectedNew(base: string): string {
  const folder = `${base}/expected`
  mkdirSync(folder)
  fillNew(folder)
  return folder
}

function expectNew(world: { base: string; volume: string }): void {
  const differences = compareTrees(expectedNew(world.base), world.volume, {
    ignoreRoot: true,
    ignore: ['mtimeNs'],
  })
  expect(differences).toEqual([])
}

test('the content is swapped, the volume stays the same directory, with the metadata of the archive', async () => {
  const world = oldVolume.onDisk()
  const inode = lstatSync(world.volume).ino
  await using claim = await claimVolume(world.dataDir, world.volume)
  await using staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
  fillNew(staging.target)
  const { options, warnings } = optionsOf()
  await swapIn(staging, options)
  expectNew(world)
  const stats = lstatSync(world.volume, { bigint: true })
  expect(Number(stats.ino)).toBe(inode)
  expect(Number(stats.mode) & 0o7777).toBe(0o751)
  expect(stats.mtimeNs).toBe(NEW_ROOT.mtimeNs)
  expect(warnings).toEqual([])
  expect(readdirSync(world.parent)).toEqual(['db'])
  expect(readdirSync(`${world.dataDir}/recovers`).filter((name) => name.endsWith('.json'))).toEqual([])
})

test('staging lies beside the volume, private to its owner, and inherits no access list', async () => {
  const world = oldVolume.onDisk()
  chmodSync(world.parent, 0o2777)
  const acl = Buffer.from(
    '0200000001000700ffffffff02000700d2040000040007 00ffffffff10000700ffffffff20000000ffffffff'.replaceAll(
      ' ',
      '',
    ),
    'hex',
  )
  loadKernel()?.setXattr(Buffer.from(world.parent), Buffer.from('system.posix_acl_default'), acl)
  await using claim = await claimVolume(world.dataDir, world.volume)
  await using staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
  const path = `${world.parent}/.backupd-recover-${RID}`
  for (const folder of [path, `${path}/new`, `${path}/old`]) {
    expect(lstatSync(folder).mode & 0o7777).toBe(0o700)
    expect(loadKernel()?.listXattrs(Buffer.from(folder))).toEqual([])
  }
  await discardStaging(staging)
  expect(readdirSync(world.parent)).toEqual(['db'])
})

test('a volume that somebody removes while it is empty fails the swap, and both contents are kept and named', async () => {
  const world = oldVolume.onDisk()
  await using claim = await claimVolume(world.dataDir, world.volume)
  await using staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
  fillNew(staging.target)
  const old = readdirSync(world.volume).sort()
  const path = `${world.parent}/.backupd-recover-${RID}`
  const checkpoint = (at: Checkpoint) => at === 'moved out' && rmdirSync(world.volume)
  await expect(swapIn(staging, optionsOf({ checkpoint }).options)).rejects.toMatchObject({
    code: 'VOLUME_LOCKED',
    facts: { journal: path },
  })
  await discardStaging(staging)
  expect(readdirSync(`${path}/old`).sort()).toEqual(old)
  expect(readdirSync(`${path}/new`)).toContain('new only')
  expect((await settleVolume(claim)).locked).toMatchObject([
    { volume: world.volume, reason: expect.stringContaining('does not exist') },
  ])
})

test('a missing volume is created by one rename', async () => {
  const world = oldVolume.onDisk()
  const volume = `${world.parent}/fresh`
  await using claim = await claimVolume(world.dataDir, volume)
  await using staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
  fillNew(staging.target)
  await swapIn(staging, optionsOf().options)
  expectNew({ base: world.base, volume })
  expect(lstatSync(volume).mode & 0o7777).toBe(0o751)
  expect(readdirSync(world.parent).sort()).toEqual(['db', 'fresh'])
})

test('a volume that somebody created meanwhile is not replaced', async () => {
  const world = oldVolume.onDisk()
  const volume = `${world.parent}/fresh`
  await using claim = await claimVolume(world.dataDir, volume)
  await using staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
  fillNew(staging.target)
  mkdirSync(volume)
  await expect(swapIn(staging, optionsOf().options)).rejects.toMatchObject({ code: 'CONFLICT' })
  await discardStaging(staging)
  expect(readdirSync(volume)).toEqual([])
  expect(readdirSync(world.parent).sort()).toEqual(['db', 'fresh'])
})

test.each<Checkpoint>(['journal written', 'moved', 'moved out', 'moved in', 'in place'])(
  'a swap cancelled at "%s" leaves everything unchanged',
  async (point) => {
    const world = oldVolume.onDisk()
    const before = contentOf(world.volume)
    const cancel = new AbortController()
    await using claim = await claimVolume(world.dataDir, world.volume)
    await using staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
    fillNew(staging.target)
    const reason = new Error('cancelled')
    const checkpoint = (at: Checkpoint) => void (at === point && cancel.abort(reason))
    const { options } = optionsOf({ signal: cancel.signal, checkpoint })
    if (point === 'in place') await swapIn(staging, options)
    else {
      await expect(swapIn(staging, options)).rejects.toBe(reason)
      await discardStaging(staging)
      expect(contentOf(world.volume)).toEqual(before)
    }
    expect(readdirSync(world.parent)).toEqual(['db'])
    expect(existsSync(`${world.dataDir}/recovers/${RID}.json`)).toBe(false)
  },
)

test('entries that appear in the volume meanwhile are removed with the old content and named', async () => {
  const world = oldVolume.onDisk()
  await using claim = await claimVolume(world.dataDir, world.volume)
  await using staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
  fillNew(staging.target)
  const appear: Partial<Record<Checkpoint, string[]>> = {
    'journal written': ['first'],
    'moved out': ['both', 'second'],
  }
  const checkpoint = (at: Checkpoint) => {
    for (const name of appear[at] ?? []) writeFileSync(`${world.volume}/${name}`, 'appeared', { flag: 'a' })
  }
  const { options, warnings } = optionsOf({ checkpoint })
  await swapIn(staging, options)
  expectNew(world)
  expect(warnings.map((line) => line.split(':')[0]).sort()).toEqual(['both', 'first', 'second'])
})

test('entries that appeared stay when the swap is undone; with a taken name, in the staging folder', async () => {
  const world = oldVolume.onDisk()
  const cancel = new AbortController()
  await using claim = await claimVolume(world.dataDir, world.volume)
  await using staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
  fillNew(staging.target)
  const checkpoint = (at: Checkpoint) => {
    if (at !== 'moved out') return
    for (const name of ['both', 'appeared']) writeFileSync(`${world.volume}/${name}`, 'appeared')
    cancel.abort(new Error('cancelled'))
  }
  const { options, warnings } = optionsOf({ signal: cancel.signal, checkpoint })
  await expect(swapIn(staging, options)).rejects.toThrow('cancelled')
  expect(readdirSync(world.volume)).toContain('appeared')
  expect(readdirSync(world.volume)).toContain('old only')
  expect(warnings.at(-1)).toMatch(/^both: appeared .* kept in/)
  expect(readdirSync(`${staging.pointer.staging}/late/0`)).toEqual(['both'])
})

test('staging folders without a recover of ours are named and stay', async () => {
  const world = oldVolume.onDisk()
  mkdirSync(`${world.parent}/.backupd-recover-unknown`)
  mkdirSync(`${world.volume}/.backupd-recover-inside`)
  await using claim = await claimVolume(world.dataDir, world.volume)
  await using staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
  expect(staging.leftOver.sort()).toEqual([
    `${world.parent}/.backupd-recover-unknown`,
    `${world.volume}/.backupd-recover-inside`,
  ])
  fillNew(staging.target)
  await swapIn(staging, optionsOf().options)
  expect(readdirSync(world.volume)).toContain('.backupd-recover-inside')
  expect(readdirSync(world.parent).sort()).toEqual(['.backupd-recover-unknown', 'db'])
})

test('only one run at a time claims a volume', async () => {
  const { dataDir, volume } = oldVolume.onDisk()
  const first = await claimVolume(dataDir, volume)
  await expect(claimVolume(dataDir, volume)).rejects.toMatchObject({ code: 'CONFLICT' })
  await first[Symbol.asyncDispose]()
  await using _second = await claimVolume(dataDir, volume)
})

test('50,000 names at the top of a volume are swapped', async () => {
  const world = oldVolume.onDisk()
  for (let n = 0; n < 50_000; n++) writeFileSync(`${world.volume}/${n}`, '')
  await using claim = await claimVolume(world.dataDir, world.volume)
  await using staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
  fillNew(staging.target)
  await swapIn(staging, optionsOf().options)
  expectNew(world)
})
