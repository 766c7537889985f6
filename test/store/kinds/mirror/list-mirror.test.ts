import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { listMirror } from '../../../../src/store/kinds/mirror/list-mirror.ts'
import { tempDir } from '../../../support/temp-dir.ts'
import { makeSocket } from '../../../support/tree-make.ts'

function makeMirror() {
  const mirror = join(tempDir(), 'mirror')
  mkdirSync(`${mirror}/sub/deeper`, { recursive: true })
  writeFileSync(`${mirror}/time.log`, 'time1\n', { mode: 0o640 })
  writeFileSync(`${mirror}/sub/deeper/x`, 'x')
  writeFileSync(Buffer.concat([Buffer.from(`${mirror}/sub/`), Buffer.from([0xff, 0x5c])]), 'bytes')
  symlinkSync('/etc', `${mirror}/out`)
  return mirror
}

const all = { path: '', after: '', limit: 100 }
const pathsIn = async (mirror: string, question: Partial<typeof all> = {}) =>
  (await listMirror(mirror, { ...all, ...question })).files.map(({ path }) => path)

it('lists the direct entries of a folder, at any depth, links as links', async () => {
  const mirror = makeMirror()
  expect((await listMirror(mirror, all)).files).toMatchObject([
    { path: 'out', type: 'symlink', linkTarget: '/etc', sha256: null },
    { path: 'sub', type: 'directory' },
    { path: 'time.log', type: 'file', size: 6, mode: 0o640, linkTarget: null },
  ])
  expect(await pathsIn(mirror, { path: '/sub/' })).toEqual(['sub/deeper', 'sub/\\xff\\\\'])
  expect(await pathsIn(mirror, { path: 'sub/deeper' })).toEqual(['sub/deeper/x'])
})

it('leaves nothing open', async () => {
  const mirror = makeMirror()
  const openCount = () => readdirSync('/proc/self/fd').length
  await listMirror(mirror, all)
  const before = openCount()
  await listMirror(mirror, all)
  await listMirror(mirror, { ...all, path: 'sub/deeper' })
  await listMirror(mirror, { ...all, path: 'time.log' }).catch(() => {})
  await listMirror(mirror, { ...all, path: 'none' }).catch(() => {})
  expect(openCount()).toBe(before)
})

it('continues after a path, and says whether more follows', async () => {
  const mirror = makeMirror()
  expect(await listMirror(mirror, { ...all, limit: 2 })).toMatchObject({ next: 'sub' })
  expect(await listMirror(mirror, { ...all, after: 'sub', limit: 2 })).toMatchObject({
    files: [{ path: 'time.log' }],
    next: null,
  })
  expect(await pathsIn(mirror, { path: 'sub', after: 'sub/deeper' })).toEqual(['sub/\\xff\\\\'])
})

it.each([
  ['a link that leads out', 'out', 'BAD_INPUT'],
  ['below such a link', 'out/ssl', 'NOT_FOUND|BAD_INPUT'],
  ['a file', 'time.log', 'BAD_INPUT'],
  ['nothing', 'none', 'NOT_FOUND'],
  ['a way out', '../..', 'NOT_FOUND'],
  ['a way out and in', 'sub/../../mirror', 'NOT_FOUND'],
])('never follows %s', async (_what, path, code) => {
  await expect(listMirror(makeMirror(), { ...all, path })).rejects.toMatchObject({
    code: expect.stringMatching(code),
  })
})

it('keeps a page of a folder of many names in memory, not the folder', async () => {
  const mirror = makeMirror()
  for (let n = 0; n < 5000; n++) writeFileSync(`${mirror}/sub/deeper/n${String(n).padStart(5, '0')}`, '')
  const { files, next } = await listMirror(mirror, {
    path: 'sub/deeper',
    after: 'sub/deeper/n02499',
    limit: 3,
  })
  expect(files.map(({ path }) => path)).toEqual(
    ['n02500', 'n02501', 'n02502'].map((name) => `sub/deeper/${name}`),
  )
  expect(next).toBe('sub/deeper/n02502')
})

it('leaves out a socket', async () => {
  const mirror = makeMirror()
  const end = await makeSocket(`${mirror}/sub/deeper/socket`)
  expect(await pathsIn(mirror, { path: 'sub/deeper' })).toEqual(['sub/deeper/x'])
  await end()
})
