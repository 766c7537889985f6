import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { restoreArchive } from '../../../../src/store/kinds/archive/restore-archive.ts'
import type { StoredArchive } from '../../../../src/store/kinds/archive/stored-archive.ts'
import { chosenFiles } from '../../../../src/volume/tree/chosen-paths.ts'
import { bytesReader, packTo } from '../../../support/packing.ts'
import { tempDir } from '../../../support/temp-dir.ts'

/** A packed volume with two files; the store has `stored` of its archive. */
async function packedArchive(stored: (whole: Buffer) => Buffer) {
  const dir = tempDir()
  mkdirSync(join(dir, 'db'))
  for (const name of ['a', 'b']) writeFileSync(join(dir, 'db', name), name)
  const { archive, index, summary } = await packTo(join(dir, 'archive'), join(dir, 'db'))
  const whole = readFileSync(archive)
  const { size, sha256, tarBytes } = summary
  const kept = {
    manifest: { size, sha256, tarBytes },
    openIndex: async () => bytesReader(index),
    openObject: async () => bytesReader(stored(whole)),
  } as unknown as StoredArchive
  const target = join(dir, 'target')
  mkdirSync(target)
  const into = { target, signal: new AbortController().signal, onProgress: () => {}, onWarning: () => {} }
  return {
    target,
    restore: (files?: string[]) => restoreArchive(kept, into, files ? chosenFiles(files) : null),
  }
}

test('chosen files come from an archive of the size that its manifest says', async () => {
  const { target, restore } = await packedArchive((whole) => whole)
  expect(await restore(['a'])).toMatchObject({ files: 1, faults: 0 })
  expect(readdirSync(target)).toEqual(['a'])
})

test.each([
  ['longer', (whole: Buffer) => Buffer.concat([whole, Buffer.from('x')])],
  ['shorter', (whole: Buffer) => whole.subarray(0, -1)],
])('nothing is restored from an archive that is %s', async (_how, stored) => {
  for (const files of [['a'], undefined]) {
    const { target, restore } = await packedArchive(stored)
    await expect(restore(files)).rejects.toMatchObject({
      code: 'ARCHIVE_CORRUPT',
      message: expect.stringMatching(/it has \d+ bytes, expected \d+/),
    })
    expect(readdirSync(target)).toEqual([])
  }
})
