import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Clearing, clearVolume, removeUnwanted } from '../../../src/volume/swap/clear-volume.ts'
import { openFolder } from '../../../src/volume/swap/folder.ts'
import { given } from '../../support/given.ts'
import { fillNew, fillOld } from '../../support/swap-content.ts'

/** A volume with old content, and beside it what is wanted in it. */
async function makeClearing(change: Partial<Clearing> = {}) {
  const { base, volume } = given.volume('/data/db').files(fillOld).onDisk()
  const wantedPath = join(base, 'wanted')
  mkdirSync(wantedPath)
  fillNew(wantedPath)
  const [folder, wanted] = [await openFolder(volume), await openFolder(wantedPath)]
  onTestFinished(async () => {
    await folder[Symbol.asyncDispose]()
    await wanted[Symbol.asyncDispose]()
  })
  const { signal } = new AbortController()
  const clearing: Clearing = {
    volume: folder,
    wanted,
    own: null,
    held: [],
    signal,
    onPath: () => {},
    ...change,
  }
  const told = { removed: [] as string[], refused: [] as string[] }
  const remove = () =>
    removeUnwanted(clearing, {
      removed: (path) => void told.removed.push(`${path}`),
      refused: (path, reason) => void told.refused.push(`${path}: ${reason}`),
    })
  return { base, volume, wantedPath, clearing, told, remove }
}

test('entries that appear in a wanted directory are removed, and times of directories stay', async () => {
  const { volume, clearing, remove, told } = await makeClearing()
  await clearVolume(clearing)
  fillNew(volume)
  const deep = join(volume, 'was a file/deep')
  writeFileSync(join(deep, 'appeared'), '')
  utimesSync(deep, 1000, 1000)
  await remove()
  expect(told).toEqual({ removed: ['was a file/deep/appeared'], refused: [] })
  expect(lstatSync(deep).mtimeMs).toBe(1_000_000)
  expect(readFileSync(join(deep, 'file'), 'utf8')).toBe('new')
})

test('an entry with a wanted name and another type is removed', async () => {
  const { base, volume, clearing, remove, told } = await makeClearing()
  writeFileSync(join(base, 'outside'), 'untouched')
  await clearVolume(clearing)
  fillNew(volume)
  renameSync(join(volume, 'both'), join(base, 'both'))
  symlinkSync(join(base, 'outside'), join(volume, 'both'))
  await remove()
  expect(told).toEqual({ removed: ['both'], refused: [] })
  expect(readFileSync(join(base, 'outside'), 'utf8')).toBe('untouched')
})

test('a directory that is moved out of the volume during clearing stops nothing', async () => {
  const { base, volume, clearing } = await makeClearing()
  const onPath = (path: Buffer) => {
    if (`${path}` === 'was a folder/deep') renameSync(join(volume, 'was a folder'), join(base, 'moved'))
  }
  await clearVolume({ ...clearing, onPath })
  expect(readdirSync(volume)).toEqual([])
})

test('the source folder stays under any name, in both passes', async () => {
  const { base, volume, clearing, told } = await makeClearing()
  mkdirSync(join(volume, 'renamed'))
  writeFileSync(join(volume, 'renamed/unpacked'), 'x')
  const { dev, ino } = lstatSync(join(volume, 'renamed'), { bigint: true })
  const held = [{ device: dev, inode: ino }]
  await clearVolume({ ...clearing, held })
  expect(readdirSync(volume)).toEqual(['renamed'])
  const refused = (path: Buffer, reason: string) => void told.refused.push(`${path}: ${reason}`)
  await removeUnwanted({ ...clearing, held }, { removed: () => {}, refused })
  expect(told.refused).toEqual(['renamed: could not be removed (EBUSY)'])
  expect(readFileSync(join(volume, 'renamed/unpacked'), 'utf8')).toBe('x')
  expect(readdirSync(base)).toContain('wanted')
})

test('the staging folder at the top stays, a similar name deeper down does not', async () => {
  const own = '.backupd-recover-mine'
  const { volume, clearing } = await makeClearing({ own })
  for (const folder of [own, `was a folder/${own}`]) mkdirSync(join(volume, folder))
  await clearVolume(clearing)
  expect(readdirSync(volume)).toEqual([own])
})

test('a cancelled clearing removes nothing more', async () => {
  const reason = new Error('enough')
  const { volume, clearing } = await makeClearing({ signal: AbortSignal.abort(reason) })
  const before = readdirSync(volume)
  await expect(clearVolume(clearing)).rejects.toBe(reason)
  expect(readdirSync(volume)).toEqual(before)
})

test('the staging folder of another recover stays, unless the backup has an entry of that name', async () => {
  const { volume, wantedPath, clearing } = await makeClearing()
  const staging = (n: number) => `.backupd-recover-${String(n).padStart(10, '0')}${'a'.repeat(32)}`
  for (const n of [1, 2]) {
    mkdirSync(join(volume, staging(n)))
    writeFileSync(join(volume, staging(n), 'file'), 'of another recover')
  }
  mkdirSync(join(wantedPath, staging(2)))
  await clearVolume(clearing)
  expect(readdirSync(join(volume, staging(1)))).toEqual(['file'])
  expect(readdirSync(join(volume, staging(2)))).toEqual([])
})
