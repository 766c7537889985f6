import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { recoverElsewherePlugin } from '../../../../src/engine/plugins/backup_recover/plugin.ts'
import type { StoreSettings } from '../../../../src/wire/store-settings.ts'
import { given } from '../../../support/given.ts'
import { recoverArgs, SERVER } from '../../../support/plugin-args.ts'
import { recordedEntity, writeRecordedMeta } from '../../../support/recorded-store.ts'
import { runPlugin } from '../../../support/run-plugin.ts'
import { startS3Model } from '../../../support/s3-model.ts'
import { canMount, mountTmpfs } from '../../../support/tmpfs.ts'
import { compareTrees } from '../../../support/tree-compare.ts'
import { makeNastyTree } from '../../../support/tree-make.ts'

const shop = given.app('shop').proc('web').volume('/data/db')
const MIRROR = 'shop-shop.web.web-1-data-db'
const MIB = 1 << 20

/** A daemon with a directory for recovers beside its volumes. */
async function prepare(store?: StoreSettings) {
  const world = await shop.plugins(store === undefined ? {} : { store })
  const recoverDir = join(world.base, 'restored')
  mkdirSync(recoverDir, { mode: 0o700 })
  const settings = { ...world.settings, recoverDir }
  const recoverTo = (destDir: string, backup: string, more: object = {}, change: object = {}) => {
    const raw = { ...recoverArgs(backup), destDir, ...more }
    const args = recoverElsewherePlugin.fillArgs?.(raw, { settings, jobs: world.jobs }) ?? raw
    return runPlugin(recoverElsewherePlugin, { ...settings, ...change }, { args })
  }
  return { ...world, recoverDir, recoverTo }
}

async function prepareBackup(store?: StoreSettings) {
  const world = await prepare(store)
  writeFileSync(join(world.volume, 'file'), 'content')
  const { result } = await world.backUp()
  return { ...world, backup: result.file ?? '' }
}

test.for(['full', 'increment'] as const)(
  'a backup (%s) becomes a new folder with everything in it, and the volume stays as it is',
  async (mode) => {
    const { recoverTo, recoverDir, volume, backUp } = await prepare()
    rmSync(volume, { recursive: true })
    makeNastyTree(volume)
    const { result } = await backUp({ mode })
    const to = join(recoverDir, 'db')
    const ended = await recoverTo(`${to}/`, result.file ?? '')
    expect(ended).toMatchObject({ state: 'success', warnings: [], result: { directory: to } })
    expect(ended.result.filesRestored).toBeGreaterThan(5)
    expect(compareTrees(volume, to)).toEqual([])
    expect(readdirSync(recoverDir)).toEqual(['db'])
  },
)

test('so does a mirror of the legacy system', async () => {
  const { recoverTo, recoverDir, volume, storeDir } = await prepare()
  const mirror = join(storeDir, SERVER, MIRROR)
  makeNastyTree(mirror)
  writeRecordedMeta(join(storeDir, SERVER), [
    recordedEntity({ mode: 'increment', name: MIRROR, source: volume, server: SERVER, size: 0 }),
  ])
  expect(await recoverTo(join(recoverDir, 'db'), MIRROR)).toMatchObject({ state: 'success', warnings: [] })
  expect(compareTrees(mirror, join(recoverDir, 'db'))).toEqual([])
  expect(readdirSync(volume)).toEqual([])
})

test('so does a backup in S3, or a snapshot that is picked', async () => {
  const { settings } = await startS3Model()
  const { recoverTo, recoverDir, volume, backup, backUp } = await prepareBackup(settings)
  const first = await backUp({ mode: 'increment' })
  writeFileSync(join(volume, 'file'), 'newer')
  const series = (await backUp({ mode: 'increment' })).result.file ?? ''
  await recoverTo(join(recoverDir, 'full'), backup)
  await recoverTo(join(recoverDir, 'first'), series, { snapshot: first.result.snapshot })
  await recoverTo(join(recoverDir, 'newest'), series)
  const read = (name: string) => readFileSync(join(recoverDir, name, 'file'), 'utf8')
  expect(['full', 'first', 'newest'].map(read)).toEqual(['content', 'content', 'newer'])
})

test('chosen files alone are restored, and names that the backup does not have are refused', async () => {
  const { recoverTo, recoverDir, volume, backUp } = await prepare()
  for (const name of ['one', 'two']) writeFileSync(join(volume, name), name)
  const { result } = await backUp()
  const name = result.file ?? ''
  const ended = await recoverTo(join(recoverDir, 'a'), name, { files: ['two'] })
  expect(ended).toMatchObject({ state: 'success', result: { filesRestored: 1 } })
  expect(readdirSync(join(recoverDir, 'a'))).toEqual(['two'])
  const missing = recoverTo(join(recoverDir, 'b'), name, { files: ['three'] })
  await expect(missing).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(readdirSync(recoverDir)).toEqual(['a'])
})

test('nothing that exists is touched, and no link is followed', async () => {
  const { recoverTo, recoverDir, base, backup } = await prepareBackup()
  const outside = join(base, 'outside')
  mkdirSync(outside)
  mkdirSync(join(recoverDir, 'empty'))
  writeFileSync(join(recoverDir, 'a-file'), '')
  symlinkSync(outside, join(recoverDir, 'link'))
  symlinkSync(join(outside, 'new'), join(recoverDir, 'dangling'))
  const before = readdirSync(recoverDir)
  const cases = {
    empty: 'CONFLICT',
    'a-file': 'CONFLICT',
    'a-file/db': 'NOT_FOUND',
    'missing/db': 'NOT_FOUND',
    link: 'FORBIDDEN',
    dangling: 'CONFLICT',
    'link/db': 'NOT_FOUND',
  }
  for (const [name, code] of Object.entries(cases))
    await expect(recoverTo(join(recoverDir, name), backup), name).rejects.toMatchObject({ code })
  expect(readdirSync(recoverDir)).toEqual(before)
  expect(readdirSync(outside)).toEqual([])
})

test('a folder that is not meant for recovers is refused', async () => {
  const { recoverTo, recoverDir, volume, volumeRoot, dataDir, storeDir, base, backup } = await prepareBackup()
  const isForbidden = expect.objectContaining({ code: 'FORBIDDEN' })
  const refuse = async (to: string, change: object, more = {}) =>
    await expect(recoverTo(to, backup, more, change), to).rejects.toEqual(isForbidden)
  await refuse(join(recoverDir, 'db'), { recoverDir: undefined })
  for (const to of [recoverDir, join(base, 'x'), `${recoverDir}2/x`, join(volume, 'x')]) await refuse(to, {})
  for (const dir of [volumeRoot, volume, dataDir, storeDir]) await refuse(join(dir, 'x'), { recoverDir: dir })
  // A volume of a job, or one that is allowed, may lie below the directory.
  const volumes = join(recoverDir, 'volumes')
  mkdirSync(volumes)
  await refuse(join(volumes, 'x'), { allowPaths: [volumes] })
  expect(await recoverTo(join(volumes, 'x'), backup, {}, { allowPaths: [base] })).toMatchObject({
    state: 'success',
  })
})

test('a volume of a job is not written to, even if it is missing', async () => {
  const { recoverDir, recoverTo, backup, jobs } = await prepareBackup()
  const path = join(recoverDir, 'shop')
  jobs.push({ ...jobs[0], id: 'other', args: { ...jobs[0]?.args, path } } as (typeof jobs)[number])
  await expect(recoverTo(path, backup)).rejects.toMatchObject({ code: 'FORBIDDEN' })
  mkdirSync(path)
  await expect(recoverTo(join(path, 'x'), backup)).rejects.toMatchObject({ code: 'FORBIDDEN' })
  expect(readdirSync(path)).toEqual([])
})

test('what only a recover of a volume can do is refused', async () => {
  const { recoverTo, recoverDir, backup } = await prepareBackup()
  const hooks = { preRecover: { command: 'x' } }
  for (const more of [{ plan: true }, { onRefusedRename: 'in-place' }, { hooks }])
    await expect(async () => recoverTo(join(recoverDir, 'db'), backup, more)).rejects.toMatchObject({
      code: 'BAD_INPUT',
    })
})

test.skipIf(!canMount)(
  'a disk without room for the backup and for what stays free is not filled (needs mounts)',
  async () => {
    const { recoverTo, recoverDir, volume, backUp } = await prepare()
    onTestFinished(mountTmpfs(recoverDir, 'size=40m'))
    writeFileSync(join(volume, 'large'), randomBytes(39 * MIB))
    writeFileSync(join(volume, 'small'), randomBytes(MIB))
    const { result } = await backUp()
    const name = result.file ?? ''
    const facts = { step: 'check for room', unit: 'bytes', kept: 2 * MIB }
    await expect(recoverTo(join(recoverDir, 'all'), name)).rejects.toMatchObject({ code: 'NO_ROOM', facts })
    expect(readdirSync(recoverDir)).toEqual([])
    const ended = await recoverTo(join(recoverDir, 'some'), name, { files: ['small'] })
    expect(ended.state).toBe('success')
  },
)

test.skipIf(!canMount)(
  'a disk that becomes full meanwhile ends the recover before the last byte, and nothing is left (needs mounts)',
  async () => {
    const { recoverTo, recoverDir, volume, storeDir } = await prepare()
    onTestFinished(mountTmpfs(recoverDir, 'size=40m'))
    // A mirror has no size that is known beforehand.
    const mirror = join(storeDir, SERVER, MIRROR)
    mkdirSync(mirror, { recursive: true })
    for (let n = 0; n < 500; n++) writeFileSync(join(mirror, `${n}`), randomBytes(MIB / 10))
    writeRecordedMeta(join(storeDir, SERVER), [
      recordedEntity({ mode: 'increment', name: MIRROR, source: volume, server: SERVER, size: 0 }),
    ])
    await expect(recoverTo(join(recoverDir, 'db'), MIRROR)).rejects.toMatchObject({
      code: 'NO_ROOM',
      message: expect.stringContaining('have to stay free'),
    })
    expect(readdirSync(recoverDir)).toEqual([])
  },
)
