import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { gunzipLines } from '../../src/archive/gunzip-lines.ts'
import { newKey, seal } from '../../src/restic/codec/crypt.ts'
import { compress } from '../../src/restic/codec/zstd.ts'
import { IndexPieces } from '../../src/restic/repository/index-pieces.ts'
import { streamBlob } from '../../src/restic/repository/stream-blob.ts'
import { sealUnpacked, unpackedPieces } from '../../src/restic/repository/unpacked.ts'
import { packed, tarOf } from '../support/bombs.ts'
import { makeBench, readerOf, refusalOf } from '../support/unpack-kit.ts'

const MIB = 1024 * 1024
const key = newKey()

async function lengthOf(pieces: AsyncIterable<Buffer>): Promise<number> {
  let length = 0
  for await (const piece of pieces) length += piece.length
  return length
}

test('a file of the repository is decompressed to at most a hundred times its size', async () => {
  const bomb = sealUnpacked(key, Buffer.alloc(64 * MIB, ' '))
  expect(bomb.length).toBeLessThan(64 * 1024)
  await expect(lengthOf(unpackedPieces(key, 'index/bomb', bomb))).rejects.toMatchObject({
    code: 'REPOSITORY_DAMAGED',
    message: expect.stringMatching(/"index\/bomb".* decompress to more than/),
  })
  const small = sealUnpacked(key, Buffer.alloc(MIB, ' '))
  expect(await lengthOf(unpackedPieces(key, 'index/small', small))).toBe(MIB)
})

test('an index full of spaces is not kept in memory', () => {
  const pieces = new IndexPieces({ blob: () => {}, pack: () => {}, rest: () => {} })
  const spaces = Buffer.alloc(MIB, ' ')
  pieces.push(Buffer.from('{'))
  for (let at = 0; at < 16; at++) pieces.push(spaces.subarray(1))
  expect(() => pieces.push(spaces)).toThrow('one of its objects is too long')
})

test('a tree is decompressed to the length in the index, not more', async () => {
  const plain = Buffer.alloc(4 * MIB)
  const id = createHash('sha256').update(plain).digest()
  const sealed = seal(key, compress(plain))
  const source = packed(key, sealed)
  expect(await lengthOf(streamBlob(source.of(plain.length), 'tree', id))).toBe(plain.length)
  await expect(lengthOf(streamBlob(source.of(plain.length - 1), 'tree', id))).rejects.toMatchObject({
    code: 'SNAPSHOT_CORRUPT',
    message: expect.stringContaining(`decompresses to more than ${plain.length - 1} bytes`),
  })
})

test('an archive is decompressed to the size in its manifest, not more', async () => {
  const tar = tarOf('db/file', Buffer.alloc(4 * MIB))
  const archive = gzipSync(tar)
  const expected = { size: archive.length, sha256: createHash('sha256').update(archive).digest('hex') }
  using within = makeBench('memory')
  expect(
    await refusalOf(archive, within.target, { expected: { ...expected, tarBytes: tar.length } }),
  ).toMatch(/^restored/)
  using beyond = makeBench('memory')
  expect(
    await refusalOf(archive, beyond.target, { expected: { ...expected, tarBytes: tar.length - 1 } }),
  ).toMatch(/^ARCHIVE_CORRUPT: .*inflates to more than \d+ bytes/)
})

test('the index of an archive is decompressed to at most five hundred times its size', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * MIB, `${'x'.repeat(99_999)}\n`), { level: 9 })
  const read = async () => {
    for await (const _ of gunzipLines(readerOf(bomb)));
  }
  await expect(read()).rejects.toMatchObject({
    code: 'ARCHIVE_CORRUPT',
    message: expect.stringMatching(/inflate to more than/),
  })
})
