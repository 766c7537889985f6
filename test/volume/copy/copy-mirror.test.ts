import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, test } from 'vitest'
import { bytesToText } from '../../../src/lib/byte-paths.ts'
import { copyMirror } from '../../../src/volume/copy/copy-mirror.ts'
import { chosenFiles } from '../../../src/volume/tree/chosen-paths.ts'
import { canMount, mountTmpfs } from '../../support/tmpfs.ts'
import { compareTrees, describeTree } from '../../support/tree-compare.ts'
import { makeNastyTree } from '../../support/tree-make.ts'
import { makeBench } from '../../support/unpack-kit.ts'

async function copy(mirror: string, target: string, files = ['*'], signal = new AbortController().signal) {
  const warnings: string[] = []
  const chosen = chosenFiles(files)
  const summary = await copyMirror({
    mirror,
    target,
    chosen,
    signal,
    onProgress: () => {},
    onWarning: ({ severity, path, message }) => warnings.push(`${severity} ${bytesToText(path)}: ${message}`),
  })
  return { ...summary, warnings, missing: chosen.missing() }
}

it('copies every name, byte, owner, time, link, hole and attribute', async () => {
  using bench = makeBench()
  const mirror = join(bench.path, 'mirror')
  makeNastyTree(mirror)
  const { faults, warnings, root } = await copy(mirror, bench.target)
  expect({ faults, warnings }).toEqual({ faults: 0, warnings: [] })
  expect(compareTrees(mirror, bench.target, { ignoreRoot: true })).toEqual([])
  expect(root).toMatchObject({ mode: 0o750, mtimeNs: 1_600_000_000_123_456_789n })
})

it('copies chosen paths with the folders on the way, and reports missing ones', async () => {
  using bench = makeBench('memory')
  const mirror = join(bench.path, 'mirror')
  mkdirSync(`${mirror}/a/b`, { recursive: true, mode: 0o711 })
  mkdirSync(`${mirror}/whole/in`, { recursive: true })
  for (const path of ['a/b/x', 'a/b/y', 'a/z', 'whole/in/1', 'whole/2', 'top'])
    writeFileSync(`${mirror}/${path}`, path)
  symlinkSync('/etc/passwd', `${mirror}/whole/link`)
  const { missing, entries } = await copy(mirror, bench.target, ['a/b/x', '/whole/', 'a/none', 'nothing'])
  expect([...describeTree(bench.target).keys()].sort()).toEqual(
    ['', 'a', 'a/b', 'a/b/x', 'whole', 'whole/2', 'whole/in', 'whole/in/1', 'whole/link'].sort(),
  )
  expect(describeTree(bench.target).get('a')?.mode).toBe(describeTree(mirror).get('a')?.mode)
  expect(describeTree(bench.target).get('whole/link')?.linkTarget).toBe('/etc/passwd')
  expect({ missing, entries }).toEqual({ missing: ['a/none', 'nothing'], entries: 8 })
})

it.each([['../x'], ['a/../../x'], [''], ['/'], ['a//b'], ['a\0b'], ['.']])('refuses to choose %j', (file) => {
  expect(() => chosenFiles(['good', file])).toThrow(/is not a path in a backup/)
})

it('stops on request', async () => {
  using bench = makeBench('memory')
  const mirror = join(bench.path, 'mirror')
  mkdirSync(mirror)
  writeFileSync(`${mirror}/x`, 'x')
  const reason = new Error('enough')
  await expect(copy(mirror, bench.target, ['*'], AbortSignal.abort(reason))).rejects.toBe(reason)
})

it('reports a missing mirror', async () => {
  using bench = makeBench('memory')
  await expect(copy(join(bench.path, 'none'), bench.target)).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
  })
})

test.skipIf(!canMount)('gives NO_ROOM if the disk becomes full (needs mounts)', async () => {
  using bench = makeBench('memory')
  const mirror = join(bench.path, 'mirror')
  mkdirSync(mirror)
  for (let n = 0; n < 8; n++) writeFileSync(`${mirror}/${n}`, Buffer.alloc(256 * 1024, 1))
  const unmount = mountTmpfs(bench.target, 'size=1m')
  try {
    await expect(copy(mirror, bench.target)).rejects.toMatchObject({ code: 'NO_ROOM' })
  } finally {
    unmount()
  }
})
