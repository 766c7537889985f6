import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { TreeEntry } from '../../../src/volume/tree/entry.ts'
import { canEnter, type SortedFolder, sortedWalk } from '../../../src/volume/tree/sorted-walk.ts'
import { openVolume } from '../../../src/volume/tree/volume.ts'
import { walkTree } from '../../../src/volume/tree/walk.ts'
import { makeNastyTree, makeSocket } from '../../support/tree-make.ts'

let dir: string
let volume: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sorted-walk-'))
  volume = join(dir, 'v')
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

interface Found {
  entry: TreeEntry
  data: string | undefined
}

interface Plan {
  isKnown?: (entry: TreeEntry) => boolean
  signal?: AbortSignal
  /** Called with the path of each entry while it is held. */
  at?: (path: string) => void
}

async function walk({ isKnown = () => false, signal = new AbortController().signal, at }: Plan = {}) {
  const found: Found[] = []
  const warnings: string[] = []
  using open = await openVolume(volume)
  const walking = sortedWalk(open, {
    isKnown,
    signal,
    onWarning: ({ path, message }) => warnings.push(`${path.toString('latin1')}: ${message}`),
  })
  async function descend(folder: SortedFolder | undefined): Promise<void> {
    if (!folder) return
    for (let looks = await folder.next(); looks.length > 0; looks = await folder.next()) {
      for (const one of looks) {
        found.push({ entry: one.item.entry, data: one.item.data?.toString('latin1') })
        at?.(pathOf(one.item.entry))
        if (canEnter(one)) await descend(await walking.open(one))
      }
    }
    folder.close()
  }
  await descend(await walking.openRoot())
  return { found, warnings }
}

function pathOf({ path }: TreeEntry): string {
  return path.toString('latin1')
}

test('finds what the plain walk finds, with the same metadata and content, each folder in byte order', async () => {
  makeNastyTree(volume)
  const { found } = await walk()
  const other: Found[] = []
  using open = await openVolume(volume)
  const signal = new AbortController().signal
  for await (const items of walkTree(open, { signal, onWarning() {} }))
    for (const { entry, data } of items) other.push({ entry, data: data?.toString('latin1') })
  const byPath = (a: Found, b: Found) => Buffer.compare(a.entry.path, b.entry.path)
  expect(found.toSorted(byPath)).toEqual(other.slice(1).toSorted(byPath))
  for (const names of Map.groupBy(found, ({ entry }) => folderOf(entry)).values())
    expect(names.map(({ entry }) => entry.path)).toEqual(
      names.map(({ entry }) => entry.path).toSorted(Buffer.compare),
    )
})

function folderOf(entry: TreeEntry): string {
  const path = pathOf(entry)
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0))
}

test('does not read known files', async () => {
  makeNastyTree(volume)
  const { found } = await walk({ isKnown: () => true })
  expect(found.length).toBeGreaterThan(10)
  expect(found.every(({ data, entry }) => data === undefined && entry.xattrs.length === 0)).toBe(true)
})

test('returns the same for known and for checked files', async () => {
  makeNastyTree(volume)
  const told = ({ found }: { found: Found[] }) =>
    found.map(({ entry }) => ({ ...entry, xattrs: [], linkTarget: null, extents: null }))
  expect(told(await walk({ isKnown: () => true }))).toEqual(told(await walk()))
})

test.skipIf(process.getuid?.() !== 0)(
  'names a mount where a file was known (needs root)',
  async (context) => {
    mkdirSync(volume)
    for (const name of ['a', 'b', 'c']) writeFileSync(join(volume, name), name)
    writeFileSync(join(dir, 'outside'), 'outside')
    const mounted = spawnSync('mount', ['--bind', join(dir, 'outside'), join(volume, 'b')])
    if (mounted.status !== 0) context.skip('this machine does not let root mount')
    const walked = walk({ isKnown: () => true }).finally(() => spawnSync('umount', [join(volume, 'b')]))
    const { found, warnings } = await walked
    expect(found.map(({ entry }) => [pathOf(entry), entry.size])).toEqual([
      ['a', 1],
      ['b', 0],
      ['c', 1],
    ])
    expect(warnings).toEqual(['b: is a mount point: what is mounted there is not part of the volume'])
  },
)

test('walks thousands of names, directories among them, without losing one', async () => {
  mkdirSync(volume)
  for (let at = 0; at < 3000; at++) {
    if (at % 7 === 0) mkdirSync(join(volume, `n${at}`))
    else writeFileSync(join(volume, `n${at}`), String(at))
  }
  const { found } = await walk()
  expect(found.map(({ entry }) => pathOf(entry))).toEqual(
    Array.from({ length: 3000 }, (_, at) => `n${at}`).toSorted(),
  )
  expect(found.filter(({ data, entry }) => data !== undefined && `n${data}` !== pathOf(entry))).toEqual([])
})

test('a file that became a directory after it was listed is entered, and what follows is found', async () => {
  mkdirSync(join(volume, '0'), { recursive: true })
  for (const name of ['a', 'b', 'c']) writeFileSync(join(volume, name), name)
  const swap = () => {
    rmSync(join(volume, 'b'))
    mkdirSync(join(volume, 'b'))
    writeFileSync(join(volume, 'b/inside'), 'x')
  }
  const { found } = await walk({ at: (path) => path === '0' && swap() })
  expect(found.map(({ entry }) => pathOf(entry))).toEqual(['0', 'a', 'b', 'b/inside', 'c'])
})

test('leaves out sockets and what vanished', async () => {
  mkdirSync(join(volume, '0'), { recursive: true })
  writeFileSync(join(volume, 'gone'), '')
  const close = await makeSocket(join(volume, 'socket'))
  const { found, warnings } = await walk({ at: (path) => path === '0' && rmSync(join(volume, 'gone')) })
  await close()
  expect(found.map(({ entry }) => pathOf(entry))).toEqual(['0'])
  expect(warnings).toEqual([
    'gone: vanished before it was opened',
    'socket: is a socket, which has no content: left out',
  ])
})

test('ends with the reason of the signal', async () => {
  makeNastyTree(volume)
  const aborting = new AbortController()
  const reason = new Error('enough')
  await expect(walk({ signal: aborting.signal, at: () => aborting.abort(reason) })).rejects.toBe(reason)
})
