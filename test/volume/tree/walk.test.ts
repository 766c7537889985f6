import { spawnSync } from 'node:child_process'
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AT_FDCWD } from '../../../src/lib/kernel/libc.ts'
import { loadKernel } from '../../../src/lib/kernel.ts'
import { flushVolume } from '../../../src/volume/tree/flush-volume.ts'
import { MAX_SMALL_FILE_BYTES } from '../../../src/volume/tree/read-cached.ts'
import { type OpenVolume, openVolume } from '../../../src/volume/tree/volume.ts'
import { walkTree } from '../../../src/volume/tree/walk.ts'
import { isRoot } from '../../support/packing.ts'
import { makeNastyTree, makeSocket } from '../../support/tree-make.ts'

let dir: string
let volume: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'walk-'))
  volume = join(dir, 'v')
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

interface Walked {
  paths: string[]
  contents: Map<string, string>
  warnings: string[]
  batches: number[]
}

interface WalkPlan {
  /** Called with the paths of each batch while it is being used. */
  during?: (paths: string[]) => void
  change?: (volume: OpenVolume) => OpenVolume
  whyLeftOut?: (folder: Buffer, name: Buffer) => string | undefined
}

async function walk({ during, change = (same) => same, ...leaving }: WalkPlan = {}): Promise<Walked> {
  const options = { signal: new AbortController().signal, ...leaving }
  const walked: Walked = { paths: [], contents: new Map(), warnings: [], batches: [] }
  using open = await openVolume(volume)
  const onWarning = ({ severity, path, message }: { severity: string; path: Buffer; message: string }) =>
    void walked.warnings.push(`${severity} ${path.toString('latin1')}: ${message}`)
  for await (const items of walkTree(change(open), { ...options, onWarning })) {
    const paths = items.map(({ entry }) => entry.path.toString('latin1'))
    walked.paths.push(...paths)
    walked.batches.push(items.length)
    for (const { entry, data } of items)
      if (data) walked.contents.set(entry.path.toString('latin1'), data.toString())
    during?.(paths)
  }
  return walked
}

test('each directory comes before its content, the volume first', async () => {
  makeNastyTree(volume)
  const { paths } = await walk()
  expect(paths[0]).toBe('')
  const seen = new Set<string>()
  for (const path of paths) {
    const folder = path.slice(0, Math.max(path.lastIndexOf('/'), 0))
    if (path !== '') expect(seen.has(folder), path).toBe(true)
    seen.add(path)
  }
  expect(seen.size).toBe(paths.length)
})

test('without libc it finds the same, and says what is not kept', async () => {
  makeNastyTree(volume)
  const { paths, contents } = await walk()
  const without = await walk({ change: (open) => ({ ...open, kernel: undefined }) })
  expect(without.paths.toSorted()).toEqual(paths.toSorted())
  expect(without.contents).toEqual(contents)
  expect(without.warnings).toEqual([])
})

test('small files are read ahead, others are opened by the caller', async () => {
  mkdirSync(volume)
  writeFileSync(join(volume, 'small'), Buffer.alloc(MAX_SMALL_FILE_BYTES, 's'))
  writeFileSync(join(volume, 'large'), Buffer.alloc(MAX_SMALL_FILE_BYTES + 1, 'l'))
  const { contents } = await walk()
  expect([...contents.keys()]).toEqual(['small'])
  expect(contents.get('small')).toBe('s'.repeat(MAX_SMALL_FILE_BYTES))
})

test('a folder of 50,000 names is walked in small batches', async () => {
  mkdirSync(volume)
  for (let n = 0; n < 50_000; n++) writeFileSync(join(volume, `file-${n}`), '')
  const { paths, batches } = await walk()
  expect(paths).toHaveLength(50_001)
  expect(Math.max(...batches)).toBeLessThanOrEqual(64)
})

test('a folder of 300 folders is walked with few of them open', async () => {
  for (let n = 0; n < 300; n++) mkdirSync(join(volume, `${n}/inner`), { recursive: true })
  let most = 0
  const during = () => {
    most = Math.max(most, readdirSync('/proc/self/fd').length)
  }
  const before = readdirSync('/proc/self/fd').length
  const { paths } = await walk({ during })
  expect(paths).toHaveLength(601)
  expect(most - before).toBeLessThan(20)
  expect(readdirSync('/proc/self/fd').length).toBe(before)
})

test('a folder that becomes a link after it was listed is kept as a link, and nothing outside is read', async () => {
  mkdirSync(join(dir, 'outside'))
  writeFileSync(join(dir, 'outside/secret'), 'secret')
  for (const name of ['a', 'b']) mkdirSync(join(volume, name), { recursive: true })
  let swapped = false
  const during = (paths: string[]) => {
    const entered = paths.find((path) => path === 'a' || path === 'b')
    if (swapped || !entered) return
    swapped = true
    const other = join(volume, entered === 'a' ? 'b' : 'a')
    rmSync(other, { recursive: true })
    symlinkSync(join(dir, 'outside'), other)
  }
  const { paths, contents } = await walk({ during })
  expect(swapped).toBe(true)
  expect(paths.toSorted()).toEqual(['', 'a', 'b'])
  expect(contents.size).toBe(0)
})

test('a folder that is moved away while it is read is read on, not its replacement', async () => {
  mkdirSync(join(dir, 'outside'))
  for (let n = 0; n < 300; n++) writeFileSync(join(dir, `outside/${n}`), 'secret')
  mkdirSync(join(volume, 'd'), { recursive: true })
  for (let n = 0; n < 300; n++) writeFileSync(join(volume, `d/${n}`), 'own')
  let swapped = false
  const during = (paths: string[]) => {
    if (swapped || !paths.some((path) => path.startsWith('d/'))) return
    swapped = true
    renameSync(join(volume, 'd'), join(dir, 'elsewhere'))
    symlinkSync(join(dir, 'outside'), join(volume, 'd'))
  }
  const { contents } = await walk({ during })
  expect(swapped).toBe(true)
  expect(contents.size).toBe(300)
  expect(new Set(contents.values())).toEqual(new Set(['own']))
})

test('names that the caller leaves out are named in a note', async () => {
  mkdirSync(join(volume, 'own/new'), { recursive: true })
  mkdirSync(join(volume, 'sub/own'), { recursive: true })
  const whyLeftOut = (folder: Buffer, name: Buffer) =>
    folder.length === 0 && name.toString() === 'own' ? 'is not part of it' : undefined
  const { paths, warnings } = await walk({ whyLeftOut })
  expect(paths.toSorted()).toEqual(['', 'sub', 'sub/own'])
  expect(warnings).toEqual(['note own: is not part of it'])
})

test('a socket is left out with a note', async () => {
  mkdirSync(volume)
  const close = await makeSocket(join(volume, 'socket'))
  const { paths, warnings } = await walk().finally(close)
  expect(paths).toEqual([''])
  expect(warnings).toEqual(['note socket: is a socket, which has no content: left out'])
})

test.skipIf(!isRoot)('a mount inside is named and not entered (needs root)', async (context) => {
  const inside = join(volume, 'a mount\\')
  mkdirSync(inside, { recursive: true })
  const mounted = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', inside])
  if (mounted.status !== 0) context.skip('this machine does not let root mount')
  writeFileSync(join(inside, 'other'), 'x')
  const { paths, contents, warnings } = await walk().finally(() => spawnSync('umount', [inside]))
  expect(paths).toEqual(['', 'a mount\\'])
  expect(contents.size).toBe(0)
  expect(warnings).toEqual([
    'note a mount\\: is a mount point: what is mounted there is not part of the volume',
  ])
})

test.skipIf(!isRoot)(
  'a file mounted inside from the same file system is not read either (needs root)',
  async (context) => {
    mkdirSync(volume)
    writeFileSync(join(dir, 'outside'), 'secret')
    writeFileSync(join(volume, 'file'), 'hidden')
    const mounted = spawnSync('mount', ['--bind', join(dir, 'outside'), join(volume, 'file')])
    if (mounted.status !== 0) context.skip('this machine does not let root mount')
    const { contents, warnings } = await walk().finally(() => spawnSync('umount', [join(volume, 'file')]))
    expect(contents.get('file')).toBe('')
    expect(warnings).toHaveLength(1)
  },
)

test.skipIf(!isRoot)('a volume that is a mount is reported as one (needs root)', async (context) => {
  mkdirSync(volume)
  {
    using plain = await openVolume(volume)
    expect(plain.mounts().here).toBe(false)
  }
  const mounted = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', volume])
  if (mounted.status !== 0) context.skip('this machine does not let root mount')
  try {
    using mount = await openVolume(volume)
    expect(mount.mounts().here).toBe(true)
    expect(mount.device).toMatch(/^0:\d+$/)
  } finally {
    spawnSync('umount', [volume])
  }
})

test('a tree deeper than the longest path is walked to its end', async (context) => {
  const kernel = loadKernel()
  if (!kernel) return context.skip('this machine has no libc to make it with')
  mkdirSync(volume)
  const name = Buffer.from('d'.repeat(100))
  let at = kernel.openat(AT_FDCWD, Buffer.from(volume), constants.O_DIRECTORY)
  for (let depth = 0; depth < 60; depth++) {
    kernel.mkdirat(at, name, 0o700)
    const next = kernel.openat(at, name, constants.O_DIRECTORY)
    closeSync(at)
    at = next
  }
  closeSync(kernel.openat(at, Buffer.from('leaf'), constants.O_CREAT | constants.O_WRONLY, 0o600))
  closeSync(at)
  const { paths, contents, warnings } = await walk()
  expect(paths).toHaveLength(62)
  expect([...contents.keys()][0]).toMatch(/^(d{100}\/){60}leaf$/)
  expect(warnings).toEqual([])
})

test.skipIf(!isRoot)('a mount made after the run began is noticed (needs root)', async (context) => {
  const inside = join(volume, 'late')
  mkdirSync(inside, { recursive: true })
  using opened = await openVolume(volume)
  const flushed = await flushVolume(opened, { onWarning: () => {} })
  expect(flushed.mounts().below.size).toBe(0)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', inside])
  if (mounted.status !== 0) context.skip('this machine does not let root mount')
  try {
    await expect.poll(() => [...flushed.mounts().below]).toEqual(['late'])
  } finally {
    spawnSync('umount', [inside])
  }
})
