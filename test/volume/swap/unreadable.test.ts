import fs, { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openFolder, statEntry } from '../../../src/volume/swap/folder.ts'
import { setAside } from '../../../src/volume/swap/moves.ts'
import { readPointers } from '../../../src/volume/swap/pointer.ts'
import { PROTECTED, protectListed } from '../../../src/volume/swap/protected-list.ts'
import { settleJournals, settleVolume } from '../../../src/volume/swap/settle.ts'
import { emptyIfThere } from '../../../src/volume/swap/staging-folders.ts'
import { claimVolume } from '../../../src/volume/swap/volume-claim.ts'
import { findMountId } from '../../../src/volume/tree/mounts.ts'
import { tempDir } from '../../support/temp-dir.ts'

// What cannot be read may exist: only what is missing counts as missing.

/** Lets the next call of `name` fail. */
function failNext(name: 'mkdirSync' | 'readFileSync', code: string): void {
  vi.spyOn(fs, name).mockImplementationOnce(() => {
    throw Object.assign(new Error(`${code}: failed`), { code })
  })
  syncBuiltinESMExports()
  onTestFinished(() => {
    vi.restoreAllMocks()
    syncBuiltinESMExports()
  })
}

test('pointers that cannot be listed are not taken for none, so that nothing starts', async () => {
  const dataDir = tempDir()
  expect(await readPointers(dataDir)).toEqual({ pointers: [], broken: [] })
  writeFileSync(join(dataDir, 'recovers'), '')
  await expect(readPointers(dataDir)).rejects.toThrow('ENOTDIR')
  await expect(settleJournals(dataDir)).rejects.toThrow('ENOTDIR')
})

test('a pointer that cannot be read locks every volume, and the one that is claimed', async () => {
  const dataDir = tempDir()
  mkdirSync(join(dataDir, 'recovers'))
  const file = join(dataDir, 'recovers/broken.json')
  writeFileSync(file, '{')
  const reason = expect.any(String)
  expect((await settleJournals(dataDir)).locked).toEqual([{ volume: '/', journal: file, reason }])
  await using claim = await claimVolume(dataDir, tempDir())
  expect((await settleVolume(claim)).locked).toEqual([{ volume: claim.volume, journal: file, reason }])
})

test('a name that cannot be looked at is not taken for a free one', async () => {
  await using folder = await openFolder(tempDir())
  expect(statEntry(folder, 'missing')).toBeUndefined()
  expect(() => statEntry(folder, 'n'.repeat(256))).toThrow('ENAMETOOLONG')
})

test('a list of protected entries that was replaced by a link is not taken for none', async () => {
  const place = tempDir()
  await using staging = await openFolder(place)
  const protecting = { staging, top: staging, warn: (message: string) => expect.unreachable(message) }
  expect(await protectListed(protecting)).toBe(false)
  writeFileSync(join(place, 'elsewhere'), '')
  symlinkSync('elsewhere', join(place, PROTECTED))
  await expect(protectListed(protecting)).rejects.toThrow('ELOOP')
})

test('an entry that has no place to be set aside to stays, and the reason is told', async () => {
  const base = tempDir()
  for (const name of ['volume', 'late']) mkdirSync(join(base, name))
  writeFileSync(join(base, 'volume/a'), '')
  await using volume = await openFolder(join(base, 'volume'))
  await using late = await openFolder(join(base, 'late'))
  const appeared: string[] = []
  const swap = {
    folders: { late },
    appeared: (name: string) => appeared.push(name),
  } as unknown as Parameters<typeof setAside>[0]
  failNext('mkdirSync', 'ENOSPC')
  await expect(setAside(swap, volume, Buffer.from('a'))).rejects.toThrow('ENOSPC')
  expect(appeared).toEqual([])
  await setAside(swap, volume, Buffer.from('a'))
  writeFileSync(join(base, 'volume/a'), '')
  await setAside(swap, volume, Buffer.from('a'))
  expect(appeared).toEqual(['a', 'a'])
  expect(fs.readdirSync(join(base, 'late'), { recursive: true }).sort()).toEqual(['0', '0/a', '1', '1/a'])
})

test('a mount id that cannot be read is an error; only a kernel without one has none', async () => {
  await using folder = await openFolder(tempDir())
  failNext('readFileSync', 'EIO')
  expect(() => findMountId(folder.fd)).toThrow('EIO')
  failNext('readFileSync', 'ENOENT')
  expect(findMountId(folder.fd)).toBe('')
  expect(findMountId(folder.fd)).toMatch(/^\d+$/)
})

test('what a missing folder of a staging folder had is gone; one that cannot be opened is an error', async () => {
  const place = tempDir()
  await using staging = await openFolder(place)
  await emptyIfThere(staging, 'new')
  writeFileSync(join(place, 'new'), '')
  await expect(emptyIfThere(staging, 'new')).rejects.toThrow('ENOTDIR')
})
