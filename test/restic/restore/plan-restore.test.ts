import {
  chmodSync,
  constants,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { AT_FDCWD } from '../../../src/lib/kernel/libc.ts'
import { loadKernel } from '../../../src/lib/kernel.ts'
import { planRestore } from '../../../src/restic/restore/plan-restore.ts'
import type { Tally } from '../../../src/volume/plan/plan-tally.ts'
import { chosenFiles, chosenPaths } from '../../../src/volume/tree/chosen-paths.ts'
import { MemoryTrees, type Tree } from '../../support/memory-trees.ts'

let live: string

beforeEach(() => {
  live = mkdtempSync(`${tmpdir()}/plan-restore-`)
  mkdirSync(`${live}/dir/gone`, { recursive: true })
  mkdirSync(`${live}/full`)
  mkdirSync(`${live}/.backupd-recover-x`)
  for (const path of ['same', 'changed', 'dir/same', 'dir/gone/deep', 'full/x', 'new', 'dir/file'])
    put(path, path)
  symlinkSync('dir', `${live}/link`)
})

afterEach(() => rmSync(live, { recursive: true }))

function put(path: string, content: string): void {
  writeFileSync(`${live}/${path}`, content)
  utimesSync(`${live}/${path}`, 1_700_000_000, 1_700_000_000)
}

function pathsOf({ first }: Tally): string[] {
  return first.map(({ path }) => path)
}

function sized(paths: Record<string, number>) {
  return Object.entries(paths).map(([path, bytes]) => ({ path, bytes }))
}

async function plan(chosen?: string[], names = 100) {
  const { uid, gid } = lstatSync(`${live}/same`)
  const own = (content: string): Tree[string] => [content, { uid, gid }]
  const trees = new MemoryTrees()
  const tree = trees.add({
    same: own('same'),
    changed: own('longer'),
    created: own('12345'),
    link: own('not a link'),
    full: own('a file'),
    dir: { same: own('dir/same'), file: { inside: own('1') }, made: { x: own('22') } },
  })
  return await planRestore({
    source: trees,
    volume: { tree, root: null },
    path: live,
    names,
    signal: new AbortController().signal,
    ...(chosen && { chosen: chosenPaths(chosen.map((path) => Buffer.from(path))) }),
  })
}

it('of the whole volume says what would be created, overwritten and deleted', async () => {
  expect(await plan()).toEqual({
    create: {
      count: 4,
      bytes: 8,
      first: sized({ created: 5, 'dir/file/inside': 1, 'dir/made': 0, 'dir/made/x': 2 }),
    },
    overwrite: { count: 4, bytes: 22, first: sized({ changed: 6, 'dir/file': 0, full: 6, link: 10 }) },
    metadata: { count: 0, bytes: 0, first: [] },
    delete: {
      count: 4,
      bytes: 22,
      first: sized({ 'dir/gone': 0, 'dir/gone/deep': 13, 'full/x': 6, new: 3 }),
    },
    refuse: { count: 0, bytes: 0, first: [] },
    same: 3,
  })
})

it('of everything in place deletes nothing, and leaves a folder that is not empty alone', async () => {
  const found = await plan([''])
  expect(found.delete.count).toBe(0)
  expect(pathsOf(found.refuse)).toEqual(['full'])
  expect(pathsOf(found.create)).toEqual(['created', 'dir/file/inside', 'dir/made', 'dir/made/x'])
  expect(pathsOf(found.overwrite)).toEqual(['changed', 'dir/file', 'link'])
})

it('of chosen paths covers only these', async () => {
  const found = await plan(['dir/made/x', 'changed', 'none'])
  expect(pathsOf(found.create)).toEqual(['dir/made', 'dir/made/x'])
  expect(pathsOf(found.overwrite)).toEqual(['changed'])
  expect([found.delete.count, found.same]).toEqual([0, 0])
})

it('of a path that leads through a file in the volume leaves it out', async () => {
  const found = await plan(['dir/file/inside'])
  expect(found.refuse).toEqual({ count: 1, bytes: 0, first: sized({ 'dir/file': 0 }) })
  expect([found.create.count, found.overwrite.count, found.delete.count]).toEqual([0, 0, 0])
})

it('names the first of many steps, and counts the rest', async () => {
  const { create } = await plan(undefined, 1)
  expect(create).toEqual({ count: 4, bytes: 8, first: sized({ created: 5 }) })
})

it('that is cancelled ends with the reason', async () => {
  const trees = new MemoryTrees()
  const volume = { tree: trees.add({ a: '1', d: { b: '22' } }), root: null }
  const signal = AbortSignal.abort(new Error('cancelled'))
  await expect(planRestore({ source: trees, volume, path: null, names: 9, signal })).rejects.toThrow(
    'cancelled',
  )
})

it('of a missing volume creates everything', async () => {
  const trees = new MemoryTrees()
  const volume = { tree: trees.add({ a: '1', d: { b: '22' } }), root: null }
  const found = await planRestore({
    source: trees,
    volume,
    path: null,
    names: 9,
    signal: new AbortController().signal,
  })
  expect(found).toMatchObject({
    create: { count: 3, bytes: 3, first: sized({ a: 1, d: 0, 'd/b': 2 }) },
    same: 0,
  })
})

it('of named paths says which the snapshot has, also behind a file in the way', async () => {
  const trees = new MemoryTrees()
  const volume = { tree: trees.add({ same: '1', dir: { file: { inside: '2' } } }), root: null }
  const chosen = chosenFiles(['same', 'dir/file/inside', 'dir/file/none', 'none', 'same/none'])
  const { signal } = new AbortController()
  const found = await planRestore({ source: trees, volume, path: live, names: 9, signal, chosen })
  expect(pathsOf(found.refuse)).toEqual(['dir/file'])
  expect(chosen.missing()).toEqual(['dir/file/none', 'none', 'same/none'])
})

it.skipIf(!loadKernel() || process.getuid?.() !== 0)(
  'tells entries that differ only in attributes from those with another link target or device number (needs root)',
  async () => {
    const kernel = loadKernel()
    const time = 1_700_000_000_000_000_000n
    const base = { mtimeNs: time, uid: 0, gid: 0 }
    const attribute = (value: string) => ({ name: Buffer.from('user.a'), value: Buffer.from(value) })
    const [text, bare] = [{ ...base, xattrs: [attribute('v')] }, base]
    const link = { ...base, type: 'symlink' as const, mode: 0o777 }
    const device = { ...base, type: 'chardev' as const, mode: 0o660, major: 1 }
    for (const name of ['attribute', 'attribute2', 'attribute3']) put(name, 'x')
    for (const name of ['attribute', 'attribute2'])
      kernel?.setXattr(Buffer.from(`${live}/${name}`), Buffer.from('user.a'), Buffer.from('v'))
    for (const name of ['link1', 'link2']) symlinkSync('aa', `${live}/${name}`)
    const make = { mode: constants.S_IFCHR | 0o660, major: 1 }
    for (const minor of [3, 5]) {
      const path = Buffer.from(`${live}/device${minor}`)
      kernel?.mknodat(AT_FDCWD, path, { ...make, minor })
      chmodSync(path, 0o660)
    }
    for (const name of ['link1', 'link2', 'device3', 'device5'])
      kernel?.utimensat(AT_FDCWD, Buffer.from(`${live}/${name}`), { mtimeNs: time })
    const trees = new MemoryTrees()
    const tree = trees.add({
      attribute: ['x', text],
      attribute2: ['x', bare],
      attribute3: ['x', text],
      link1: ['', { ...link, linkTarget: Buffer.from('aa') }],
      link2: ['', { ...link, linkTarget: Buffer.from('bb') }],
      device3: ['', { ...device, minor: 3 }],
      device5: ['', { ...device, minor: 3 }],
    })
    const { signal } = new AbortController()
    const volume = { tree, root: null }
    const found = await planRestore({ source: trees, volume, path: live, names: 9, signal })
    expect([pathsOf(found.metadata), pathsOf(found.overwrite)]).toEqual([
      ['attribute2', 'attribute3'],
      ['device5', 'link2'],
    ])
    expect(found.same).toBe(3)
  },
)
