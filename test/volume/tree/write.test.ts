import { lstatSync, symlinkSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadKernel } from '../../../src/lib/kernel.ts'
import type { TreeEntry } from '../../../src/volume/tree/entry.ts'
import { applyRootMetadata } from '../../../src/volume/tree/write.ts'
import { posixAcl } from '../../support/tree-make.ts'
import { isRoot, makeBench } from '../../support/unpack-kit.ts'

const kernel = loadKernel()
const DEFAULT = Buffer.from('system.posix_acl_default')
const ACL = posixAcl([
  [1, 7],
  [4, 5],
  [32, 5],
])

const ROOT: TreeEntry = {
  type: 'directory',
  path: Buffer.alloc(0),
  mode: 0o2751,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  size: 0,
  mtimeNs: 1_000_000_000_000_000_001n,
  ctimeNs: 0n,
  device: 0n,
  inode: 0n,
  links: 1,
  major: 0,
  minor: 0,
  linkTarget: null,
  xattrs: [],
  extents: null,
}

test('mode and time of the directory are set, also a second time', async () => {
  using bench = makeBench()
  const { ino } = lstatSync(bench.target)
  for (let round = 0; round < 2; round++) await applyRootMetadata(bench.target, ROOT)
  const after = lstatSync(bench.target, { bigint: true })
  expect([after.mode & 0o7777n, after.mtimeNs, Number(after.ino)]).toEqual([0o2751n, ROOT.mtimeNs, ino])
})

test.runIf(kernel && isRoot)(
  'earlier attributes and ACLs are removed, those of the entry are set (as root)',
  async () => {
    using bench = makeBench()
    const path = Buffer.from(bench.target)
    kernel?.setXattr(path, Buffer.from('user.old'), Buffer.from('x'))
    kernel?.setXattr(path, DEFAULT, ACL)
    await applyRootMetadata(bench.target, {
      ...ROOT,
      xattrs: [{ name: Buffer.from('user.new'), value: Buffer.from('y') }],
    })
    expect(kernel?.listXattrs(path).map(String)).toEqual(['user.new'])
    await applyRootMetadata(bench.target, { ...ROOT, uid: 99, xattrs: [{ name: DEFAULT, value: ACL }] })
    expect(kernel?.listXattrs(path).map(String)).toEqual([`${DEFAULT}`])
    expect(lstatSync(bench.target).uid).toBe(99)
  },
)

test('a symlink in place of the directory is not followed', async () => {
  using bench = makeBench()
  symlinkSync(bench.target, `${bench.path}/link`)
  await expect(applyRootMetadata(`${bench.path}/link`, ROOT)).rejects.toThrow(/ENOTDIR|ELOOP/)
})

test.runIf(kernel && isRoot)('refusals are reported (as root)', async () => {
  using bench = makeBench()
  const told: string[] = []
  const xattrs = [{ name: Buffer.from('nonsense.name'), value: Buffer.from('x') }]
  await applyRootMetadata(bench.target, { ...ROOT, xattrs }, (message) => told.push(message))
  expect(told).toEqual(['its extended attribute nonsense.name could not be restored (ENOTSUP)'])
})
