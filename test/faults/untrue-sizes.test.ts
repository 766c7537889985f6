import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { loadKernel } from '../../src/lib/kernel.ts'
import type { OpenFile, TreeEntry } from '../../src/volume/tree/entry.ts'
import { openFile } from '../../src/volume/tree/file-source.ts'
import { pinPath, unpin } from '../../src/volume/tree/pin.ts'
import { toTreeEntry } from '../../src/volume/tree/stat-entry.ts'
import { hasTrueSizes, openWhole } from '../../src/volume/tree/whole-file.ts'
import { given } from '../support/given.ts'
import { packTo, untar } from '../support/packing.ts'
import { tempDir } from '../support/temp-dir.ts'

/** Every file in it says that its size is 0. */
const PROC = '/proc/sys/kernel/random'
/** Every file in it says that its size is 4096, and is shorter. */
const SYS = '/sys/module/tcp_cubic/parameters'
const LARGE = '/proc/kallsyms'

describe.each([PROC, SYS])('files that report a wrong size, in %s', (volume) => {
  test.skipIf(!existsSync(volume))('are complete in an archive (needs that folder)', async () => {
    const folder = tempDir(tmpdir())
    const { archive, summary, warnings } = await packTo(join(folder, 'a.tar.gz'), volume)
    await untar(archive, folder)
    expect({ warnings, faults: summary.faults }).toEqual({ warnings: [], faults: 0 })
    for (const name of readdirSync(volume)) {
      const copy = readFileSync(join(folder, volume.split('/').at(-1) ?? '', name), 'utf8')
      if (!isNewEachTime(name)) expect(copy, name).toBe(readFileSync(join(volume, name), 'utf8'))
      expect(copy.length, name).toBeGreaterThan(1)
    }
  })

  test.skipIf(!existsSync(volume))(
    'are complete in a snapshot, and are read each time (needs that folder)',
    async () => {
      const { repository, snapshot, treeWarnings } = await given.repository()
      const names = readdirSync(volume)
      const bytes = names.reduce((sum, name) => sum + readFileSync(join(volume, name)).length, 0)
      const first = await snapshot(repository, { volume })
      const second = await snapshot(repository, { volume, from: first.snapshotId })
      for (const one of [first, second]) {
        expect(one).toMatchObject({ faults: 0, files: names.length, bytesRead: one.bytes })
        // A number may get another digit meanwhile.
        expect(Math.abs(one.bytes - bytes)).toBeLessThan(4)
      }
      expect(treeWarnings).toEqual([])
    },
  )
})

function isNewEachTime(name: string): boolean {
  return name === 'uuid' || name === 'entropy_avail'
}

test.skipIf(!existsSync(LARGE))(
  'a large file of size 0 is read to its end (needs /proc/kallsyms)',
  async () => {
    const pin = await pinPath(LARGE)
    onTestFinished(() => unpin(pin))
    const entry = toTreeEntry('file', pin.stat, Buffer.from('f'))
    const file = await openWhole(await openFile(pin, entry, { kernel: loadKernel() }), entry)
    onTestFinished(() => file.close())
    const content = readFileSync(LARGE)
    const copy = Buffer.alloc(content.length)
    expect(entry.size).toBe(content.length)
    for (let at = 0; at < copy.length; ) at += await file.read(copy.subarray(at), at)
    expect(copy.equals(content)).toBe(true)
  },
)

/** A file of which stat says that it is empty. */
function openEmpty(read: OpenFile['read'], changed: OpenFile['changed'] = async () => undefined) {
  let isClosed = false
  const close = async () => {
    isClosed = true
  }
  return { file: { fd: -1, read, changed, close }, isClosed: () => isClosed }
}

const EMPTY = { size: 0, extents: null } as TreeEntry

test('an endless file is refused after 1 GiB, and nothing stays open', async () => {
  const open = () => readdirSync('/proc/self/fd').length
  const before = open()
  // Returns more than was requested, so that no gigabyte has to be written.
  const { file, isClosed } = openEmpty(async ({ length }) => (length === 2 ? 2 : 2 ** 30 + 1))
  await expect(openWhole(file, { ...EMPTY })).rejects.toMatchObject({ code: 'EFBIG' })
  expect(isClosed()).toBe(true)
  expect(open()).toBeLessThanOrEqual(before)
})

test('a file that grew since it was opened keeps its opened size, without a copy', async () => {
  const { file } = openEmpty(
    async () => 2,
    async () => 'grew',
  )
  const entry = { ...EMPTY }
  expect(await openWhole(file, entry)).toBe(file)
  expect(entry.size).toBe(0)
})

test('sizes of an unknown file system are not trusted', async () => {
  expect(await hasTrueSizes(Buffer.from('/proc'))).toBe(false)
  expect(await hasTrueSizes(Buffer.from('/dev/shm'))).toBe(true)
})
