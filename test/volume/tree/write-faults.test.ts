import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { loadKernel } from '../../../src/lib/kernel.ts'
import type { TreeEntry } from '../../../src/volume/tree/entry.ts'
import { openPinned } from '../../../src/volume/tree/pin.ts'
import { pinFolder, unpinFolder } from '../../../src/volume/tree/recheck/pin-below.ts'
import { openVolume } from '../../../src/volume/tree/volume.ts'
import { applyRootMetadata } from '../../../src/volume/tree/write.ts'
import { explainWriteError } from '../../../src/volume/tree/write-errors.ts'
import { TreeWriter } from '../../../src/volume/tree/write-tree.ts'
import { NEW_ROOT } from '../../support/swap-content.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { makeBench } from '../../support/unpack-kit.ts'

const openCount = () => readdirSync('/proc/self/fd').length
const errorOf = (code: string) => Object.assign(new Error(`${code}: it went wrong`), { code })

function made(type: TreeEntry['type'], path: string, facts: Partial<TreeEntry> = {}): TreeEntry {
  return { ...NEW_ROOT, type, path: Buffer.from(path), links: 1, ...facts }
}

function makeWriter() {
  const bench = makeBench()
  const warnings: string[] = []
  const writer = new TreeWriter(
    bench.target,
    ({ path, message }) => void warnings.push(`${path}: ${message}`),
  )
  onTestFinished(() => {
    writer.close()
    bench[Symbol.dispose]()
  })
  return { writer, warnings, at: (path: string) => join(bench.target, path) }
}

test.each([
  ['EINVAL', 'a refusal', true],
  ['EIO', 'an error', false],
])('a file whose content ends in %s, %s, is removed', async (code, _, isRefusal) => {
  const { writer, warnings, at } = makeWriter()
  const before = openCount()
  const pieces = [Buffer.from('first')]
  const next = async () => {
    const piece = pieces.shift()
    if (piece) return piece
    throw errorOf(code)
  }
  const written = writer.write(made('file', 'f'), { next })
  if (isRefusal) expect(await written).toBe(false)
  else await expect(written).rejects.toMatchObject({ code })
  expect([existsSync(at('f')), openCount()]).toEqual([false, before])
  expect(warnings).toEqual(isRefusal ? [`f: could not be restored (${code})`] : [])
})

test.each(['ENOSPC', 'EDQUOT'])('%s gives NO_ROOM, and the path', (code) => {
  expect(explainWriteError(errorOf(code), Buffer.from('a/b'))).toMatchObject({
    code: 'NO_ROOM',
    facts: { path: 'a/b' },
    message: expect.stringContaining('Cannot write "a/b"'),
  })
  const other = errorOf('EIO')
  expect(explainWriteError(other, Buffer.from('a/b'))).toBe(other)
})

test.each([null, Buffer.alloc(0), Buffer.from('a\0b')])('a symlink to %j is a fault', async (linkTarget) => {
  const { writer, warnings, at } = makeWriter()
  expect(await writer.write(made('symlink', 'l', { linkTarget }), { next: async () => null })).toBe(false)
  expect(warnings).toEqual(['l: is a symlink without a target'])
  expect(existsSync(at('l'))).toBe(false)
})

test('a directory that a file replaces leaves nothing open', async () => {
  const { writer, at } = makeWriter()
  for (const path of ['d/a/b', 'd/c', 'x']) mkdirSync(at(path), { recursive: true })
  writeFileSync(at('d/a/f'), '')
  const before = openCount()
  expect(await writer.write(made('file', 'd'), { next: async () => null })).toBe(true)
  expect(openCount()).toBe(before)
  expect(lstatSync(at('d')).isFile()).toBe(true)
})

test('a file that ends in zeros, which become a hole, keeps its length', async () => {
  const { writer, at } = makeWriter()
  const pieces = [Buffer.from('x'), Buffer.alloc(1 << 20), Buffer.alloc(1 << 20)]
  const content = { next: async () => pieces.shift() ?? null, findHoles: true }
  await writer.write(made('file', 'f'), content)
  expect(lstatSync(at('f')).size).toBe(1 + (2 << 20))
  expect(lstatSync(at('f')).blocks).toBeLessThan(64)
})

test('the replacement of a pinned file is not left open', async () => {
  const path = join(tempDir(), 'file')
  writeFileSync(path, 'seen')
  const stat = lstatSync(path, { bigint: true })
  writeFileSync(`${path}.other`, 'other')
  renameSync(`${path}.other`, path)
  const before = openCount()
  const pin = { fd: -1, place: Buffer.from(path), cached: false, stat }
  await expect(openPinned(pin)).rejects.toMatchObject({ code: 'ESTALE' })
  expect(openCount()).toBe(before)
})

test('a directory is pinned by any path, however long, and only it stays open', async () => {
  const dir = tempDir()
  const long = Array.from({ length: 15 }, (_, n) => `${n}-${'d'.repeat(200)}`).join('/')
  mkdirSync(join(dir, long), { recursive: true })
  writeFileSync(join(dir, long, 'file'), '')
  using volume = await openVolume(dir)
  const before = openCount()
  for (const path of [long, `${long}/file`, `${long}/none`, long.split('/')[0] ?? '', '']) {
    const pin = await pinFolder(volume, Buffer.from(path)).catch(() => undefined)
    expect(pin === undefined).toBe(path.endsWith('e'))
    if (!pin) continue
    expect(pin.stat.ino).toBe(statSync(join(dir, path), { bigint: true }).ino)
    unpinFolder(volume, pin)
  }
  expect(openCount()).toBe(before)
})

test.skipIf(!loadKernel() || process.getuid?.() !== 0)(
  'labels of the machine stay on a volume, its own attributes are removed (needs libc and root)',
  async ({ skip }) => {
    const bench = makeBench()
    onTestFinished(() => bench[Symbol.dispose]())
    const folder = Buffer.from(bench.target)
    const names = ['security.backupd-test', 'trusted.a', 'user.a']
    try {
      for (const name of names) loadKernel()?.setXattr(folder, Buffer.from(name), Buffer.from('x'))
    } catch {
      skip('this file system does not take such attributes')
    }
    await applyRootMetadata(bench.target, NEW_ROOT)
    expect(loadKernel()?.listXattrs(folder).map(String)).toEqual(['security.backupd-test'])
  },
)
