import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeFolder } from '../../src/lib/make-folder.ts'
import { tempDir } from '../support/temp-dir.ts'

test('creating a folder succeeds if others create it at the same time', async () => {
  const path = join(tempDir(), 'a', 'b', 'c')
  await Promise.all([makeFolder(path), makeFolder(path), makeFolder(path)])
  expect(existsSync(path)).toBe(true)
})

test('a folder that cannot be created is an error, not an endless wait', async () => {
  await expect(makeFolder('/proc/backupd/a/b')).rejects.toThrow('ENOENT')
})
