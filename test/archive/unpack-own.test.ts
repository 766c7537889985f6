import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readIndex } from '../../src/archive/index-format.ts'
import { type PackSummary, packArchive } from '../../src/archive/pack.ts'
import { applyRootMetadata } from '../../src/volume/tree/write.ts'
import type { FileSink } from '../support/packing.ts'
import { compareTrees } from '../support/tree-compare.ts'
import { makeNastyTree } from '../support/tree-make.ts'
import { type Bench, makeBench, readerOf, refusalOf, unpack } from '../support/unpack-kit.ts'

let source: Bench
let tree: string
let archive: Buffer
let members: number[]
let packed: PackSummary

beforeAll(async () => {
  source = makeBench()
  tree = `${source.path}/db`
  makeNastyTree(tree)
  // Comparing this file would read 9 GiB of zeros.
  rmSync(`${tree}/sparse/beyond 8 GiB`, { force: true })
  writeFileSync(`${tree}/big`, Buffer.alloc(5_000_000, 'some text that fills more than a gzip member '))
  packed = await pack(tree, `${source.path}/a`)
  archive = readFileSync(`${source.path}/a.tar.gz`)
  members = await membersIn(readFileSync(`${source.path}/a.index`))
})

afterAll(() => source[Symbol.dispose]())

async function pack(volume: string, name: string): Promise<PackSummary> {
  const out = await writerTo(`${name}.tar.gz`)
  const index = await writerTo(`${name}.index`)
  const signal = new AbortController().signal
  const rest = { signal, onProgress: () => {}, onWarning: () => {} }
  const summary = await packArchive({ volume, topName: Buffer.from('db'), out, index, ...rest })
  await Promise.all([out.close(), index.close()])
  return summary
}

async function writerTo(path: string): Promise<FileSink> {
  const handle = await open(path, 'w')
  return { write: (chunk) => handle.writeFile(chunk), sync: () => handle.sync(), close: () => handle.close() }
}

async function membersIn(index: Buffer): Promise<number[]> {
  const sizes: number[] = []
  for await (const line of readIndex(readerOf(index))) {
    if (line.kind === 'members') sizes.push(...line.sizes.map(([size]) => size))
  }
  return sizes
}

describe('an archive of ours', () => {
  test.each(['members side by side', 'in order'])('is restored exactly, %s', async (how) => {
    using bench = makeBench()
    const { size, sha256 } = packed
    const options = { expected: { size, sha256 }, members: how === 'in order' ? null : members }
    const { root, warnings, entries, files, bytes } = await unpack(archive, bench.target, options)
    expect(members.length).toBeGreaterThan(3)
    expect(warnings).toEqual([])
    expect({ entries, files, bytes }).toEqual({
      entries: packed.entries,
      files: packed.files,
      bytes: packed.bytes,
    })
    if (root) await applyRootMetadata(bench.target, root)
    expect(compareTrees(tree, bench.target)).toEqual([])
  })

  test('with a flipped byte in any member is refused', async () => {
    using bench = makeBench('memory')
    const { size, sha256 } = packed
    let start = 0
    for (const length of members) {
      const damaged = Buffer.from(archive)
      const at = start + Math.floor(length / 2)
      damaged[at] = (damaged[at] ?? 0) ^ 0x10
      const outcome = await refusalOf(damaged, bench.target, { expected: { size, sha256 }, members })
      expect(outcome).toMatch(/^ARCHIVE_CORRUPT: /)
      start += length
    }
  })

  test('of an empty volume restores an empty volume', async () => {
    using bench = makeBench()
    const empty = await pack(bench.target, `${bench.path}/e`)
    const bytes = readFileSync(`${bench.path}/e.tar.gz`)
    const { root, entries } = await unpack(bytes, bench.target, { expected: empty })
    expect([root?.type, entries]).toEqual(['directory', 1])
  })
})
