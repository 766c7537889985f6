import { closeSync, lstatSync, mkdirSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applyRootMetadata } from '../../src/volume/tree/write.ts'
import { compareTrees } from '../support/tree-compare.ts'
import { makeNastyTree } from '../support/tree-make.ts'
import { type Bench, gnuTar, isRoot, makeBench, unpack } from '../support/unpack-kit.ts'

let source: Bench
let tree: string

beforeAll(() => {
  source = makeBench()
  tree = `${source.path}/db`
  expect(makeNastyTree(tree).skipped).toEqual([])
  // Only sparse formats can hold it in reasonable time; it has a test of its own.
  rmSync(`${tree}/sparse/beyond 8 GiB`)
})

afterAll(() => source[Symbol.dispose]())

/** GNU tar stores a fifo with two names twice. */
const TWO_FIFOS = ['special/fifo', 'special/hard link of the fifo']

describe.runIf(isRoot)('an archive made by GNU tar (as root)', () => {
  test('with xattrs, ACLs and sparse files in posix format is restored exactly', async () => {
    using bench = makeBench()
    const archive = `${bench.path}/a.tar.gz`
    const everything = ['--format=posix', '--xattrs', '--xattrs-include=*', '--acls', '-S']
    gnuTar(...everything, '-czf', archive, '-C', source.path, 'db')
    const { root, warnings } = await unpack(archive, bench.target)
    if (root) await applyRootMetadata(bench.target, root)
    expect(warnings).toEqual([])
    expect(compareTrees(tree, bench.target, { except: TWO_FIFOS })).toEqual([])
  })

  test.each([
    ['posix, sparse 0.0', ['--format=posix', '-S', '--sparse-version=0.0']],
    ['posix, sparse 0.1', ['--format=posix', '-S', '--sparse-version=0.1']],
    ['posix, sparse 1.0', ['--format=posix', '-S', '--sparse-version=1.0']],
    ['gnu, sparse', ['--format=gnu', '-S']],
    ['oldgnu, sparse', ['--format=oldgnu', '-S']],
    ['gnu', ['--format=gnu']],
    ['ustar', ['--format=ustar']],
    ['v7', ['--format=v7']],
  ])('%s is restored as GNU tar itself restores it', async (_, args) => {
    using bench = makeBench()
    const archive = `${bench.path}/a.tar.gz`
    const judge = `${bench.path}/judge`
    mkdirSync(judge)
    gnuTar(...args, '-czf', archive, '-C', source.path, 'db')
    gnuTar('-xpzf', archive, '--numeric-owner', '-C', judge)
    const { root, warnings } = await unpack(archive, bench.target)
    if (root) await applyRootMetadata(bench.target, root)
    expect(warnings).toEqual([])
    expect(compareTrees(`${judge}/db`, bench.target)).toEqual([])
  })

  test.each(['posix', 'gnu'])('with a file over 8 GiB with holes, %s', async (format) => {
    using bench = makeBench()
    makeNastyTree(`${bench.path}/big`)
    const archive = `${bench.path}/a.tar.gz`
    gnuTar(`--format=${format}`, '-S', '-czf', archive, '-C', bench.path, 'big/sparse/beyond 8 GiB')
    const { bytes, files } = await unpack(archive, bench.target)
    expect({ bytes, files }).toEqual({ bytes: expect.any(Number), files: 1 })
    expect(bytes).toBeLessThan(10_000)
    expect(lstatSync(`${bench.target}/sparse/beyond 8 GiB`).size).toBe(9 * 2 ** 30)
    expect(allocatedKiB(`${bench.target}/sparse/beyond 8 GiB`)).toBeLessThan(100)
    expect(readAt(`${bench.target}/sparse/beyond 8 GiB`, 8 * 2 ** 30 + 5, 4)).toBe('DATA')
  })

  test.each(['posix', 'gnu'])('%s without the directory itself (tar -C dir .)', async (format) => {
    using bench = makeBench()
    const archive = `${bench.path}/a.tar.gz`
    const except = [...TWO_FIFOS, 'acls', 'attributes', 'capability']
    gnuTar(`--format=${format}`, '-S', '-czf', archive, '-C', tree, '.')
    const { root } = await unpack(archive, bench.target)
    expect(root?.mode).toBe(0o750)
    if (root) await applyRootMetadata(bench.target, root)
    const ignore = format === 'gnu' ? (['mtimeNs'] as const) : []
    expect(compareTrees(tree, bench.target, { except, ignore: [...ignore] })).toEqual([])
  })
})

test('gzip in many members, zeros behind the end', async () => {
  using bench = makeBench()
  mkdirSync(`${bench.path}/db`)
  const archive = `${bench.path}/a.tar`
  gnuTar('--blocking-factor=2000', '-cf', archive, '-C', source.path, 'db/content')
  const members = gzipPieces(readFileSync(archive), 100_000)
  const once = await unpack(Buffer.concat(members), bench.target, { members: members.map((m) => m.length) })
  expect(once.warnings).toEqual([])
  using other = makeBench()
  await unpack(Buffer.concat(members), other.target)
  const ignore = { ignoreRoot: true }
  expect(
    compareTrees(`${tree}/content`, `${bench.target}/content`, { ...ignore, ignore: ['mtimeNs'] }),
  ).toEqual([])
  expect(compareTrees(bench.target, other.target, ignore)).toEqual([])
})

function gzipPieces(bytes: Buffer, length: number): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += length) pieces.push(gzipSync(bytes.subarray(at, at + length)))
  return pieces
}

function allocatedKiB(path: string): number {
  return lstatSync(path).blocks / 2
}

function readAt(path: string, position: number, length: number): string {
  const fd = openSync(path, 'r')
  const bytes = Buffer.alloc(length)
  readSync(fd, bytes, 0, length, position)
  closeSync(fd)
  return bytes.toString()
}
