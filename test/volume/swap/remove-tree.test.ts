import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { openFolder } from '../../../src/volume/swap/folder.ts'
import { emptyFolder } from '../../../src/volume/swap/remove-tree.ts'
import { given } from '../../support/given.ts'
import { fillOld } from '../../support/swap-content.ts'
import { canMount, mountTmpfs } from '../../support/tmpfs.ts'

const oldVolume = given.volume('/data/db').files(fillOld)

async function empty(path: string): Promise<void> {
  await using folder = await openFolder(path)
  await emptyFolder(folder)
}

test('everything is removed: links themselves, unreadable folders, names that are not text', async () => {
  const { base, volume } = oldVolume.onDisk()
  writeFileSync(`${base}/outside`, 'x')
  symlinkSync(base, `${volume}/link to a folder`)
  chmodSync(`${volume}/was a folder`, 0)
  await empty(volume)
  expect(readdirSync(volume)).toEqual([])
  expect(existsSync(`${base}/outside`)).toBe(true)
})

test('folders deeper than the longest path are removed', async () => {
  const { volume } = oldVolume.onDisk()
  const start = process.cwd()
  onTestFinished(() => process.chdir(start))
  process.chdir(volume)
  for (let level = 0; level < 1200; level++) {
    mkdirSync('deeper')
    writeFileSync('file', '')
    process.chdir('deeper')
  }
  process.chdir(start)
  await empty(volume)
  expect(readdirSync(volume)).toEqual([])
})

test.skipIf(!canMount)('another file system is not entered (needs mounts)', async () => {
  const { volume } = oldVolume.onDisk()
  const unmount = mountTmpfs(`${volume}/was a folder/deep`)
  onTestFinished(unmount)
  writeFileSync(`${volume}/was a folder/deep/precious`, 'x')
  await expect(empty(volume)).rejects.toThrow()
  expect(readdirSync(`${volume}/was a folder/deep`)).toEqual(['precious'])
})
