import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openMirrorFile } from '../../../../src/store/kinds/mirror/open-file.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'open-mirror-file-'))
  mkdirSync(join(dir, 'mirror/sub'), { recursive: true })
  writeFileSync(join(dir, 'secret'), 'secret')
  writeFileSync(join(dir, 'mirror/sub/file'), 'content')
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const open = (path: string) => openMirrorFile({ withFolder: (act) => act(join(dir, 'mirror')) }, path)

test('a file of a mirror is read whole and in parts', async () => {
  await using file = await open('sub/file')
  expect(file.size).toBe(7)
  expect((await buffer(file.read({ from: 0, end: 7 }))).toString()).toBe('content')
  expect((await buffer(file.read({ from: 2, end: 5 }))).toString()).toBe('nte')
})

test('links are never followed, neither at the end nor on the way', async () => {
  symlinkSync(join(dir, 'secret'), join(dir, 'mirror/link'))
  symlinkSync(dir, join(dir, 'mirror/folder'))
  await expect(open('link')).rejects.toMatchObject({ code: 'BAD_INPUT' })
  await expect(open('folder/secret')).rejects.toMatchObject({ code: 'BAD_INPUT' })
  for (const path of ['../secret', 'sub/../../secret']) await expect(open(path)).rejects.toThrow()
})

test('what is no file is refused at once, also a fifo that nobody writes to', async () => {
  execFileSync('mkfifo', [join(dir, 'mirror/fifo')])
  for (const path of ['fifo', 'sub', ''])
    await expect(open(path)).rejects.toMatchObject({ code: 'BAD_INPUT' })
  await expect(open('sub/missing')).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('a file that shrinks while it is read is an error, never a short file', async () => {
  await using file = await open('sub/file')
  truncateSync(join(dir, 'mirror/sub/file'), 3)
  await expect(buffer(file.read({ from: 0, end: 7 }))).rejects.toMatchObject({ code: 'CONFLICT' })
})
