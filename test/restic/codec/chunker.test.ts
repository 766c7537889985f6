import { createCipheriv, createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, test } from 'vitest'
import { Chunker, MAX_CHUNK_BYTES, MIN_CHUNK_BYTES } from '../../../src/restic/codec/chunker.ts'
import { hasRestic, restic } from '../../support/restic.ts'

const POLYNOMIAL = 0x3da3358b4dc173n
const MIB = 1024 * 1024

/** The same bytes every time. */
function noise(length: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(length))
}

/** Lengths of the chunks of `content`, which is handed over in pieces of `piece` bytes. */
function cut(chunker: Chunker, content: Buffer, piece: number): number[] {
  const lengths: number[] = []
  let length = 0
  chunker.reset()
  for (let start = 0; start < content.length; start += piece) {
    const count = content.copy(chunker.buffer, 0, start, start + piece)
    for (let at = 0; at < count; ) {
      const end = chunker.next(at, count)
      length += (end ?? count) - at
      at = end ?? count
      if (end === undefined) break
      lengths.push(length)
      length = 0
    }
  }
  return length > 0 ? [...lengths, length] : lengths
}

/** The fingerprint as it is defined, of the 64 bytes before `end`, the slow way. */
function fingerprint(content: Buffer, end: number): bigint {
  let print = 0n
  for (const byte of content.subarray(end - 64, end)) {
    print = (print << 8n) ^ BigInt(byte)
    for (let bit = 7n; bit >= 0n; bit--) {
      if ((print >> (53n + bit)) & 1n) print ^= POLYNOMIAL << bit
    }
  }
  return print
}

const content = noise(40 * MIB)
const chunker = new Chunker(POLYNOMIAL, 4 * MIB)
const lengths = cut(chunker, content, 4 * MIB)

test('chunks end where the fingerprint matches, and cover everything', () => {
  expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(content.length)
  expect(lengths.length).toBeGreaterThan(15)
  let end = 0
  for (const length of lengths.slice(0, -1)) {
    end += length
    expect(length).toBeGreaterThanOrEqual(MIN_CHUNK_BYTES)
    expect(length).toBeLessThanOrEqual(MAX_CHUNK_BYTES)
    if (length < MAX_CHUNK_BYTES) expect(fingerprint(content, end) & 0xfffffn).toBe(0n)
  }
})

test.each([1 * MIB, 65_536, 1_000_003, 4096 + 63])('pieces of %i bytes are cut like the whole', (piece) => {
  expect(cut(chunker, content, piece)).toEqual(lengths)
})

test('tiny pieces are cut like the whole', () => {
  const start = content.subarray(0, 3 * MIB)
  expect(cut(chunker, start, 37)).toEqual(cut(chunker, start, 3 * MIB))
})

test('bytes inserted at the front move the cuts and do not change them', () => {
  const moved = cut(chunker, Buffer.concat([noise(1000), content]), 4 * MIB)
  const ends = (of: number[], by: number) =>
    of.map((_, at) => of.slice(0, at + 1).reduce((a, b) => a + b, -by))
  const same = ends(moved, 1000).filter((end) => ends(lengths, 0).includes(end))
  expect(same.length).toBeGreaterThan(lengths.length / 2)
})

test('zeros are cut at the minimum, data without matches at the maximum', () => {
  expect(cut(chunker, Buffer.alloc(MIB + 5), MIB)).toEqual([MIN_CHUNK_BYTES, MIN_CHUNK_BYTES, 5])
  expect(cut(chunker, Buffer.alloc(9 * MIB, 1), MIB)).toEqual([MAX_CHUNK_BYTES, MIB])
  expect(cut(chunker, Buffer.alloc(0), MIB)).toEqual([])
})

describe('compared with restic', () => {
  const dir = mkdtempSync(join(tmpdir(), 'chunker-'))
  afterAll(() => rmSync(dir, { recursive: true, force: true }))

  it.skipIf(!hasRestic)('the same file gives the same blobs (needs restic)', () => {
    writeFileSync(join(dir, 'password'), 'secret')
    writeFileSync(join(dir, 'file'), content)
    const run = restic(join(dir, 'repo'), join(dir, 'password'))
    run('init')
    run('backup', join(dir, 'file'))
    const polynomial = BigInt(`0x${JSON.parse(run('cat', 'config')).chunker_polynomial}`)
    const ids: string[] = []
    let start = 0
    for (const length of cut(new Chunker(polynomial, 4 * MIB), content, 4 * MIB)) {
      ids.push(
        createHash('sha256')
          .update(content.subarray(start, start + length))
          .digest('hex'),
      )
      start += length
    }
    const blobs = run('list', 'blobs').split('\n')
    const data = blobs.filter((line) => line.startsWith('data ')).map((line) => line.slice(5))
    expect(ids.sort()).toEqual(data.sort())
  })
})
