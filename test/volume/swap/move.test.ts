import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
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
