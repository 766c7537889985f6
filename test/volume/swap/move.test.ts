import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, onTestFinished, test, vi } from 'vitest'
import { KernelError } from '../../../src/lib/kernel/libc.ts'
import { loadKernel } from '../../../src/lib/kernel.ts'
import { openFolder } from '../../../src/volume/swap/folder.ts'
import { moveStepwise, moveWithoutReplacing } from '../../../src/volume/swap/move.ts'
import { tempDir } from '../../support/temp-dir.ts'

// The second is for file systems whose rename knows no "do not replace".
test.each([moveWithoutReplacing, moveStepwise])('$name moves an entry and replaces nothing', async (move) => {
  const base = tempDir(tmpdir())
  for (const name of ['a', 'b']) mkdirSync(`${base}/${name}`)
  writeFileSync(`${base}/a/file`, 'x')
  symlinkSync('nowhere', `${base}/a/link`)
  mkdirSync(`${base}/a/folder/deep`, { recursive: true })
  await using from = await openFolder(`${base}/a`)
  await using to = await openFolder(`${base}/b`)
  const moveName = (name: string) =>
    move({ folder: from, name: Buffer.from(name) }, { folder: to, name: Buffer.from(name) })
  for (const name of ['file', 'link', 'folder']) moveName(name)
  expect(readdirSync(`${base}/a`)).toEqual([])
  expect(readdirSync(`${base}/b`).sort()).toEqual(['file', 'folder', 'link'])
  writeFileSync(`${base}/a/file`, 'other')
  mkdirSync(`${base}/a/folder`)
  for (const name of ['file', 'folder']) expect(() => moveName(name)).toThrow('EEXIST')
  expect(readFileSync(`${base}/b/file`, 'utf8')).toBe('x')
  expect(readdirSync(`${base}/a`).sort()).toEqual(['file', 'folder'])
})

test.skipIf(!loadKernel()).each([
  [22, 'EINVAL', 'b'],
  [38, 'ENOSYS', 'b'],
  [5, 'EIO', 'a'],
  [1, 'EPERM', 'a'],
])('a rename that fails with %i (%s) leaves the entry in %s (needs libc)', async (errno, code, place) => {
  const base = tempDir(tmpdir())
  for (const name of ['a', 'b']) mkdirSync(`${base}/${name}`)
  writeFileSync(`${base}/a/file`, 'x')
  await using from = await openFolder(`${base}/a`)
  await using to = await openFolder(`${base}/b`)
  const kernel = loadKernel()
  if (!kernel) throw new Error('this test needs libc')
  vi.spyOn(kernel, 'renameat2').mockImplementation(() => {
    throw new KernelError(errno, 'renameat2')
  })
  onTestFinished(() => void vi.restoreAllMocks())
  const name = Buffer.from('file')
  const move = () => moveWithoutReplacing({ folder: from, name }, { folder: to, name })
  // Only a file system that cannot do it is asked for a link instead.
  if (place === 'b') move()
  else expect(move).toThrow(code)
  expect(readdirSync(`${base}/${place}`)).toEqual(['file'])
})
