import { closeSync, mkdirSync, openSync, readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { loadKernel } from '../../../src/lib/kernel.ts'
import { ContentPool } from '../../../src/restic/write/content-pool.ts'
import { FileReader } from '../../../src/restic/write/file-reader.ts'
import { makeFileNode } from '../../../src/restic/write/new-node.ts'
import { isUnchanged } from '../../../src/restic/write/unchanged.ts'
import { given } from '../../support/given.ts'
import { encodeNode, parseNode } from '../../support/nodes.ts'
import { hasRestic } from '../../support/restic.ts'
import { canMount, mountTmpfs } from '../../support/tmpfs.ts'

test('a file that could not be read to its end is read again, even if it did not change', async () => {
  const { repository } = await given.repository()
  const packs = repository.beginPacks()
  const pool = new ContentPool({ repository, packs, workers: 1, onBytes: () => {} })
  const warnings: string[] = []
  // The kernel refuses to read a directory, so there is no content either.
  const fd = openSync(tmpdir(), 'r')
  const looked = entry()
  const reader = new FileReader(
    pool,
    (severity, _path, message) => void warnings.push(`${severity} ${message}`),
  )
  const open = async () => ({
    fd,
    read: async () => 0,
    changed: async () => undefined,
    close: async () => closeSync(fd),
  })
  const reading = await reader.read({ entry: looked, data: null, open })
  if (!reading) throw new Error('it was not opened')
  const made = makeFileNode(looked, await reading.content)
  if (!made) throw new Error('it was left out')
  await pool.close()
  await packs.abandon()
  expect(warnings).toEqual([expect.stringContaining('fault cannot be read to its end')])
  const before = parseNode(encodeNode(made.entry, made))
  if (!before) throw new Error('no node')
  expect(
    isUnchanged(entry(), before, {
      reread: false,
      beforeNs: 10n ** 18n,
      hasAttributes: true,
      hasData: () => true,
      hasTrueSizes: true,
    }),
  ).toBe(false)
})

test.skipIf(!canMount)(
  'a file with more attributes than can be read is named by each run (needs mount)',
  async () => {
    const { repository, snapshot, volume, treeWarnings } = await given.repository()
    onTestFinished(mountTmpfs(volume))
    mkdirSync(join(volume, 'folder'))
    writeFileSync(join(volume, 'large'), Buffer.alloc(100_000, 1))
    writeFileSync(join(volume, 'small'), 'small')
    for (const name of ['folder', 'large', 'small']) fillAttributes(join(volume, name))
    const first = await snapshot(repository)
    const second = await snapshot(repository, { from: first.snapshotId })
    expect([first.faults, second.faults]).toEqual([3, 3])
    expect(new Set(treeWarnings)).toHaveLength(3)
  },
)

test.skipIf(!loadKernel() || !canMount)(
  'attributes whose names are not UTF-8 are left out and named by each run (needs mount)',
  async () => {
    const { repository, snapshot, volume, treeWarnings } = await given.repository()
    onTestFinished(mountTmpfs(volume))
    writeFileSync(join(volume, 'file'), 'content')
    for (const target of [volume, join(volume, 'file')])
      for (const name of ['trusted.kept', 'trusted.\xfe', 'trusted.\xff'])
        loadKernel()?.setXattr(Buffer.from(target), Buffer.from(name, 'latin1'), Buffer.from('v'))
    const first = await snapshot(repository)
    const second = await snapshot(repository, { from: first.snapshotId })
    expect([first.faults, second.faults]).toEqual([4, 4])
    expect(new Set(treeWarnings)).toEqual(
      new Set([
        'fault : its extended attribute trusted.\\xfe is left out: its name is not UTF-8',
        'fault : its extended attribute trusted.\\xff is left out: its name is not UTF-8',
        'fault file: its extended attribute trusted.\\xfe is left out: its name is not UTF-8',
        'fault file: its extended attribute trusted.\\xff is left out: its name is not UTF-8',
      ]),
    )
  },
)

test('a file of more pieces than a snapshot can hold is left out and named, and nothing else is', async ({
  skip,
}) => {
  const { repository, snapshot, volume, treeWarnings, restored, check } = await given.repository()
  writeFileSync(join(volume, 'a'), 'content')
  writeFileSync(join(volume, 'sparse'), '')
  truncateSync(join(volume, 'sparse'), 3 * 2 ** 40)
  writeFileSync(join(volume, 'z'), 'content')
  const made = await snapshot(repository)
  expect(made.faults).toBe(1)
  expect(treeWarnings).toEqual([expect.stringMatching(/^fault sparse: has more than 4194304 pieces/)])
  skip(!hasRestic, 'needs restic for its last part')
  check()
  expect(readdirSync(restored(made.snapshotId))).toEqual(['a', 'z'])
})

/** Their names alone are longer than any list of them may be. */
function fillAttributes(path: string): void {
  const fd = openSync(path, 'r')
  for (let n = 0; n < 300; n++)
    loadKernel()?.setXattr(fd, Buffer.from(`trusted.${'n'.repeat(230)}${n}`), Buffer.from('v'))
  closeSync(fd)
}

function entry() {
  return {
    type: 'file' as const,
    path: Buffer.from('f'),
    mode: 0o600,
    uid: 0,
    gid: 0,
    size: 100_000,
    mtimeNs: 5n,
    ctimeNs: 5n,
    device: 1n,
    inode: 2n,
    links: 1,
    major: 0,
    minor: 0,
    linkTarget: null,
    xattrs: [],
    extents: null,
  }
}
