import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  ftruncateSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { AT_FDCWD } from '../../src/lib/kernel/libc.ts'
import { type Kernel, loadKernel } from '../../src/lib/kernel.ts'

/**
 * Makes a small tree with everything in it that is easily lost: names that are not text, owners, times to the
 * nanosecond, hard links, holes, attributes, ACLs, fifos, devices. `root` must not exist.
 * Returns what this machine did not allow (needs root, or attributes of the file system).
 */
export function makeNastyTree(root: string): { skipped: string[] } {
  mkdirSync(root, { mode: 0o750 })
  const skipped: string[] = []
  for (const [what, make] of Object.entries(parts)) {
    try {
      make(`${root}/${what}`, loadKernel())
    } catch (error) {
      skipped.push(`${what}: ${error}`)
    }
  }
  setTime(root, 1_600_000_000_123_456_789n)
  return { skipped }
}

/** A socket in the file system; the returned function ends it. */
export async function makeSocket(path: string): Promise<() => Promise<void>> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  return () => new Promise((resolve) => server.close(() => resolve()))
}

type Part = (dir: string, kernel: Kernel | undefined) => void

const parts: Record<string, Part> = {
  names: makeNames,
  deep: makeDeep,
  modes: makeModes,
  owners: makeOwners,
  times: makeTimes,
  links: makeLinks,
  content: makeContent,
  sparse: makeSparse,
  attributes: makeAttributes,
  acls: makeAcls,
  capability: makeCapability,
  special: makeSpecial,
}

function bytes(dir: string, name: string | number[]): Buffer {
  return Buffer.concat([Buffer.from(`${dir}/`), Buffer.from(name as string)])
}

function makeNames(dir: string): void {
  mkdirSync(dir)
  const texts = [
    'new\nline',
    'quo"te\'s',
    'back\\slash',
    'trail ',
    ' lead',
    '-dash',
    'é日',
    'e\u0301',
    '*?[',
    '%41',
    'tab\t',
    '~',
  ]
  const raw = [[0x66, 0xff, 0xfe], [0xc3], [0x5c, 0x78, 0x66, 0x66], [0x01, 0x7f, 0x80]]
  for (const name of [...texts, ...raw]) writeFileSync(bytes(dir, name), `I am ${JSON.stringify(name)}`)
  mkdirSync(bytes(dir, [0x64, 0xe9, 0x72]))
  writeFileSync(Buffer.concat([bytes(dir, [0x64, 0xe9, 0x72]), Buffer.from('/inside')]), 'x')
  symlinkSync(Buffer.from([0xff, 0x0a, 0x22]), bytes(dir, 'link to bytes'))
  mkdirSync(`${dir}/empty`)
}

function makeDeep(dir: string): void {
  mkdirSync(dir)
  for (const length of [98, 99, 100, 101, 155, 156, 254, 255])
    writeFileSync(`${dir}/${'n'.repeat(length)}`, `${length}`)
  let at = dir
  for (let level = 0; level < 6; level++) {
    at += `/${'D'.repeat(100)}`
    mkdirSync(at)
  }
  writeFileSync(`${at}/${'f'.repeat(200)}`, 'deep')
  symlinkSync('T'.repeat(250), `${dir}/long link`)
  symlinkSync('t'.repeat(100), `${dir}/link of 100`)
  linkSync(`${at}/${'f'.repeat(200)}`, `${dir}/hard link to deep`)
  writeFileSync(Buffer.concat([Buffer.from(`${at}/`), Buffer.alloc(180, 0xfe)]), 'deep and no text')
}

function makeModes(dir: string): void {
  mkdirSync(dir)
  for (const mode of [0o000, 0o400, 0o777, 0o4755, 0o2755, 0o6711]) {
    writeFileSync(`${dir}/file ${mode.toString(8)}`, 'x')
    chmodSync(`${dir}/file ${mode.toString(8)}`, mode)
  }
  for (const mode of [0o1777, 0o2775, 0o500]) {
    mkdirSync(`${dir}/dir ${mode.toString(8)}`)
    chmodSync(`${dir}/dir ${mode.toString(8)}`, mode)
  }
}

function makeOwners(dir: string): void {
  mkdirSync(dir)
  for (const id of [1, 1234, 2097151, 2097152, 3_000_000_000]) {
    writeFileSync(`${dir}/${id}`, 'x')
    chownSync(`${dir}/${id}`, id, id + 1)
  }
  symlinkSync('1', `${dir}/link`)
  lchownSync(`${dir}/link`, 77, 78)
}

function makeTimes(dir: string): void {
  mkdirSync(dir)
  const times = [
    0n,
    1n,
    999_999_999n,
    -1n,
    -157_766_400_000_000_001n,
    1_577_934_245_123_456_789n,
    10_413_792_000_000_000_000n,
  ]
  for (const time of times) {
    writeFileSync(`${dir}/${time}`, 'x')
    setTime(`${dir}/${time}`, time)
  }
  mkdirSync(`${dir}/dir`)
  writeFileSync(`${dir}/dir/child`, 'x')
  setTime(`${dir}/dir`, 1_000_000_000_000_000_007n)
  symlinkSync('dir', `${dir}/link`)
  setTime(`${dir}/link`, 1_234_567_890_987_654_321n)
}

function setTime(path: string, ns: bigint): void {
  const kernel = loadKernel()
  if (kernel) kernel.utimensat(AT_FDCWD, Buffer.from(path), { atimeNs: ns, mtimeNs: ns })
  else lutimesSync(path, Number(ns) / 1e9, Number(ns) / 1e9)
}

function makeLinks(dir: string): void {
  mkdirSync(`${dir}/z`, { recursive: true })
  writeFileSync(`${dir}/a`, 'hello')
  linkSync(`${dir}/a`, `${dir}/b`)
  linkSync(`${dir}/a`, `${dir}/z/c`)
  symlinkSync('a', `${dir}/symlink`)
  linkSync(`${dir}/symlink`, `${dir}/hard link of a symlink`)
  symlinkSync('/nonexistent', `${dir}/dangling`)
  symlinkSync('../..', `${dir}/up`)
  symlinkSync('z', `${dir}/to dir`)
}

/** Sizes around the blocks of a tar and of the small-file limit. */
function makeContent(dir: string): void {
  mkdirSync(dir)
  for (const size of [0, 1, 511, 512, 513, 65535, 65536, 65537, 1 << 20, (1 << 20) + 1, 3_000_001]) {
    writeFileSync(`${dir}/${size}`, Buffer.alloc(size, `${size} bytes of this. `))
  }
}

function makeSparse(dir: string): void {
  mkdirSync(dir)
  sparseFile(`${dir}/all hole`, 10 << 20, [])
  sparseFile(`${dir}/hole at the end`, 10 << 20, [0])
  sparseFile(`${dir}/data at the end`, (10 << 20) + 123, [(10 << 20) + 119])
  sparseFile(`${dir}/in the middle`, 64 << 20, [5_000_000, 40_000_000])
  sparseFile(
    `${dir}/${'many pieces '.repeat(10)}`,
    32 << 20,
    Array.from({ length: 100 }, (_, n) => n * 300_000),
  )
  sparseFile(`${dir}/beyond 8 GiB`, 9 * 2 ** 30, [8 * 2 ** 30 + 5])
  writeFileSync(`${dir}/small`, 'x')
  truncateSync(`${dir}/small`, 40_000)
}

function sparseFile(path: string, size: number, dataAt: number[]): void {
  const fd = openSync(path, 'w')
  ftruncateSync(fd, size)
  for (const at of dataAt) writeSync(fd, 'DATA', at)
  closeSync(fd)
}

function makeAttributes(dir: string, kernel = needKernel()): void {
  mkdirSync(dir)
  writeFileSync(`${dir}/file`, 'x')
  for (const [name, value] of [
    ['user.text', 'v'],
    ['user.empty', ''],
    ['user.binary', 'a\n\0=b'],
    ['user.big', 'v'.repeat(1500)],
    ['user.a=b%c', '='],
  ] as const) {
    kernel.setXattr(Buffer.from(`${dir}/file`), Buffer.from(name), Buffer.from(value))
  }
  mkdirSync(`${dir}/dir`)
  kernel.setXattr(Buffer.from(`${dir}/dir`), Buffer.from('user.on a dir'), Buffer.from('d'))
  symlinkSync('file', `${dir}/link`)
  kernel.setXattr(Buffer.from(`${dir}/link`), Buffer.from('trusted.on_a_link'), Buffer.from('l'))
}

const ACL_ANY = 0xffffffff

/** The kernel's form of an ACL (linux/posix_acl_xattr.h): version 2, then tag, permissions, id. */
export function posixAcl(entries: [tag: number, perm: number, id?: number][]): Buffer {
  const acl = Buffer.alloc(4 + 8 * entries.length)
  acl.writeUInt32LE(2, 0)
  for (const [i, [tag, perm, id]] of entries.entries()) {
    acl.writeUInt16LE(tag, 4 + 8 * i)
    acl.writeUInt16LE(perm, 6 + 8 * i)
    acl.writeUInt32LE(id ?? ACL_ANY, 8 + 8 * i)
  }
  return acl
}

function makeAcls(dir: string, kernel = needKernel()): void {
  const acl = posixAcl([
    [1, 6],
    [2, 4, 1234],
    [2, 7, 3_000_000_000],
    [4, 4],
    [8, 5, 5678],
    [16, 7],
    [32, 0],
  ])
  mkdirSync(dir)
  writeFileSync(`${dir}/file`, 'x')
  kernel.setXattr(Buffer.from(`${dir}/file`), Buffer.from('system.posix_acl_access'), acl)
  mkdirSync(`${dir}/dir`)
  kernel.setXattr(Buffer.from(`${dir}/dir`), Buffer.from('system.posix_acl_access'), acl)
  writeFileSync(`${dir}/dir/plain`, 'made before the default')
  mkdirSync(`${dir}/dir/inner`)
  kernel.setXattr(Buffer.from(`${dir}/dir`), Buffer.from('system.posix_acl_default'), acl)
}

/** cap_net_bind_service=ep, version 2 (linux/capability.h). */
function makeCapability(dir: string, kernel = needKernel()): void {
  mkdirSync(dir)
  writeFileSync(`${dir}/program`, '#!/bin/true')
  const value = Buffer.from('0100000200040000000000000000000000000000', 'hex')
  kernel.setXattr(Buffer.from(`${dir}/program`), Buffer.from('security.capability'), value)
}

function makeSpecial(dir: string, kernel = needKernel()): void {
  mkdirSync(dir)
  const make = (name: string, mode: number, major = 0, minor = 0) =>
    kernel.mknodat(AT_FDCWD, Buffer.from(`${dir}/${name}`), { mode, major, minor })
  make('fifo', constants.S_IFIFO | 0o640)
  make('null', constants.S_IFCHR | 0o660, 1, 3)
  make('loop', constants.S_IFBLK | 0o660, 7, 0)
  make('big numbers', constants.S_IFCHR | 0o600, 4095, 1_048_575)
  linkSync(`${dir}/fifo`, `${dir}/hard link of the fifo`)
}

function needKernel(): Kernel {
  const kernel = loadKernel()
  if (!kernel) throw new Error('libc cannot be reached')
  return kernel
}
