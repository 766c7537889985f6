import { lstatSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { HeldVolume } from '../../../src/volume/held-volume.ts'
import { restoreTime } from '../../../src/volume/swap/restore-time.ts'
import { tempDir } from '../../support/temp-dir.ts'

const TIME = 1_500_000_000_000_000_000n

function startVolume() {
  const path = join(tempDir(), 'db')
  mkdirSync(path)
  const volume = { exists: true, place: path } as HeldVolume
  const inode = String(lstatSync(path, { bigint: true }).ino)
  return { path, inode, volume, timeOf: () => lstatSync(path, { bigint: true }).mtimeNs }
}

test('a volume gets its time back, and another directory at its path does not', async () => {
  const { volume, inode, timeOf } = startVolume()
  const before = timeOf()
  await restoreTime({ inode: `${inode}0`, mtimeNs: String(TIME) }, volume)
  await restoreTime({ inode, mtimeNs: null }, volume)
  expect(timeOf()).toBe(before)
  await restoreTime({ inode, mtimeNs: String(TIME) }, volume)
  expect(timeOf()).toBe(TIME)
})

test('a volume that is gone has no time; a file in its place is an error', async () => {
  const { path, inode, volume } = startVolume()
  rmdirSync(path)
  await restoreTime({ inode, mtimeNs: String(TIME) }, volume)
  writeFileSync(path, '')
  await expect(restoreTime({ inode, mtimeNs: String(TIME) }, volume)).rejects.toThrow('ENOTDIR')
})
