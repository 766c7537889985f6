import { createHash, type Hash } from 'node:crypto'
import { closeSync, constants, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs'
import { bytesToText } from '../../src/lib/byte-paths.ts'
import { loadKernel } from '../../src/lib/kernel.ts'

export interface CompareOptions {
  /** The two top directories themselves may differ in mode, owner, times and attributes. */
  ignoreRoot?: boolean
  /** Paths (text form) that are not compared, with everything below them. */
  except?: string[]
  /** Attributes that are not compared anywhere. */
  ignore?: (keyof Description)[]
}

/** One entry of a tree, as far as a backup must restore it. */
export interface Description {
  type: string
  mode: string
  owner: string
  mtimeNs: string
  size: string
  /** A hash of it. */
  content: string
  linkTarget: string
  device: string
  /** The first path of the same inode, if there are several. */
  hardLinkOf: string
  xattrs: string
  /** KiB allocated; compared roughly. */
  allocatedKiB: number
}

/**
 * Lists the differences between two trees, one sentence each; empty if names, bytes, holes and all else are the same.
 */
export function compareTrees(expected: string, actual: string, options: CompareOptions = {}): string[] {
  const a = describeTree(expected, options)
  const b = describeTree(actual, options)
  const differences: string[] = []
  for (const [path, entry] of a) {
    const other = b.get(path)
    if (!other) differences.push(`${path}: missing`)
    else if (path !== '' || !options.ignoreRoot)
      differences.push(...compareOne(path, entry, other, options.ignore ?? []))
  }
  for (const path of b.keys()) if (!a.has(path)) differences.push(`${path}: not expected`)
  return differences
}

function compareOne(path: string, a: Description, b: Description, ignore: (keyof Description)[]): string[] {
  const keys = (Object.keys(a) as (keyof Description)[]).filter((key) => !ignore.includes(key))
  const different = keys.filter((key) =>
    key === 'allocatedKiB' ? roughlyDifferent(a.allocatedKiB, b.allocatedKiB) : a[key] !== b[key],
  )
  return different.map((key) => `${path}: ${key} is ${b[key]}, expected ${a[key]}`)
}

/** A restore makes holes of at least 64 KiB only, and a small edit can split one hole into several shorter ones. */
function roughlyDifferent(a: number, b: number): boolean {
  return Math.abs(a - b) > 160 + Math.max(a, b) * 0.1
}

/** Everything under `root`, by path (text form), the root itself as ''. */
export function describeTree(root: string, options: CompareOptions = {}): Map<string, Description> {
  const found = new Map<string, Description>()
  const inodes = new Map<string, string>()
  const visit = (path: Buffer, relative: Buffer) => {
    const name = bytesToText(relative)
    if (options.except?.includes(name)) return
    const entry = describe(path, name, inodes)
    found.set(name, entry)
    if (entry.type !== 'directory') return
    for (const child of readdirSync(path, { encoding: 'buffer' }).sort(Buffer.compare)) {
      visit(join(path, child), relative.length === 0 ? child : join(relative, child))
    }
  }
  visit(Buffer.from(root), Buffer.alloc(0))
  return found
}

function join(a: Buffer, b: Buffer): Buffer {
  return Buffer.concat([a, Buffer.from('/'), b])
}

function describe(path: Buffer, name: string, inodes: Map<string, string>): Description {
  const stat = lstatSync(path, { bigint: true })
  const type = typeOf(Number(stat.mode))
  const key = `${stat.dev}:${stat.ino}`
  const hardLinkOf = type === 'directory' || stat.nlink === 1n ? '' : (inodes.get(key) ?? name)
  if (hardLinkOf !== '') inodes.set(key, hardLinkOf)
  const isFile = type === 'file'
  return {
    type,
    mode: type === 'symlink' ? '' : (Number(stat.mode) & 0o7777).toString(8),
    owner: `${stat.uid}:${stat.gid}`,
    mtimeNs: String(stat.mtimeNs),
    size: isFile ? String(stat.size) : '',
    content: isFile ? hashOf(path, Number(stat.size)) : '',
    linkTarget: type === 'symlink' ? bytesToText(readlinkSync(path, { encoding: 'buffer' })) : '',
    device: type === 'chardev' || type === 'blockdev' ? String(stat.rdev) : '',
    hardLinkOf,
    xattrs: xattrsOf(path),
    allocatedKiB: isFile ? Number(stat.blocks) / 2 : 0,
  }
}

const TYPES = new Map<number, string>([
  [constants.S_IFREG, 'file'],
  [constants.S_IFDIR, 'directory'],
  [constants.S_IFLNK, 'symlink'],
  [constants.S_IFIFO, 'fifo'],
  [constants.S_IFCHR, 'chardev'],
  [constants.S_IFBLK, 'blockdev'],
  [constants.S_IFSOCK, 'socket'],
])

function typeOf(mode: number): string {
  return TYPES.get(mode & constants.S_IFMT) ?? 'unknown'
}

const PAGE = 4096
const WHOLE = 16 << 20

/** Of large files, hashes only the data that is not zero, with its position: holes take no time. */
function hashOf(path: Buffer, size: number): string {
  const hash = createHash('sha256')
  const chunk = Buffer.alloc(1 << 20)
  const fd = openSync(path, 'r')
  try {
    for (let at = 0, n = 0; at < size; at += n) {
      if (size > WHOLE) at = nextData(fd, at, size)
      n = readSync(fd, chunk, 0, chunk.length, at)
      if (n === 0) break
      if (size <= WHOLE) hash.update(chunk.subarray(0, n))
      else hashPages(hash, chunk.subarray(0, n), at)
    }
  } finally {
    closeSync(fd)
  }
  return hash.digest('hex')
}

function hashPages(hash: Hash, bytes: Buffer, offset: number): void {
  const zeros = Buffer.alloc(PAGE)
  for (let at = 0; at < bytes.length; at += PAGE) {
    const page = bytes.subarray(at, at + PAGE)
    if (!page.equals(zeros.subarray(0, page.length))) hash.update(`${offset + at}`).update(page)
  }
}

/** At a page boundary: both trees are split alike. */
function nextData(fd: number, from: number, size: number): number {
  const at = loadKernel()?.seekData(fd, from)
  return at === undefined ? (loadKernel() ? size : from) : Math.max(from, Math.floor(at / PAGE) * PAGE)
}

/** `name=hex` in order; SELinux's label depends on the place, not on the file. */
function xattrsOf(path: Buffer): string {
  const kernel = loadKernel()
  if (!kernel) return ''
  const names = kernel.listXattrs(path).filter((name) => name.toString() !== 'security.selinux')
  const texts = names.map((name) => `${bytesToText(name)}=${kernel.getXattr(path, name)?.toString('hex')}`)
  return texts.sort().join(' ')
}
