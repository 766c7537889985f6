import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { ByteStream } from '../../src/archive/byte-stream.ts'
import { gunzipLines } from '../../src/archive/gunzip-lines.ts'
import { readOldSparseMap, readPaxSparseMap } from '../../src/archive/sparse-map.ts'
import { archiveOf, directory, END, entry, file, header, pax } from '../support/tar-blocks.ts'
import { makeBench, readerOf, refusalOf } from '../support/unpack-kit.ts'

const MIB = 1 << 20
const BLOCK = 512
const MAX_PIECES = 1_000_000

test('a line of an index with more than 16 MiB is refused, even if it ends', async () => {
  const line = `${randomBytes(9 * MIB).toString('hex')}\n`
  const read = async () => {
    for await (const _ of gunzipLines(readerOf(gzipSync(line, { level: 1 }))));
  }
  await expect(read()).rejects.toMatchObject({
    code: 'ARCHIVE_CORRUPT',
    message: expect.stringContaining('it has a line of more than'),
  })
})

/** Blocks without end, of which no more than `limit` may be taken; tells how many were. */
function endless(block: Buffer, limit: number) {
  let taken = 0
  const blocks = async function* () {
    for (;;) {
      if (++taken > limit) throw new Error('it is read without end')
      yield block
    }
  }
  return { stream: new ByteStream(blocks()), taken: () => taken }
}

const SPARSE_1 = [
  { key: 'GNU.sparse.major', value: Buffer.from('1') },
  { key: 'GNU.sparse.realsize', value: Buffer.from('1000') },
]

test('a sparse map with an endless number is refused after a few blocks', async () => {
  const { stream } = endless(Buffer.alloc(BLOCK, '1'), 10)
  await expect(readPaxSparseMap(SPARSE_1, stream)).rejects.toThrow('the map of a sparse file is malformed')
})

test('a sparse map that announces more than a million pieces is refused at its first line', async () => {
  const { stream, taken } = endless(Buffer.from(`${MAX_PIECES + 1}\n${'0\n'.repeat(252)}`), 10)
  await expect(readPaxSparseMap(SPARSE_1, stream)).rejects.toThrow('more than 1000000 pieces')
  expect(taken()).toBe(1)
})

test('an endless old sparse header is refused after a million pieces', async () => {
  const more = Buffer.alloc(BLOCK)
  for (let at = 0; at < 21 * 24; at += 12) more.write('00000000001\0', at)
  more[504] = 1
  const { stream, taken } = endless(more, MAX_PIECES)
  const first = header({ name: 'db/f', type: 'S', magic: 'gnu', patches: [[482, Buffer.of(1)]] })
  await expect(readOldSparseMap(first, stream)).rejects.toThrow('more than 1000000 pieces')
  expect(taken()).toBeLessThanOrEqual(Math.ceil(MAX_PIECES / 21) + 1)
})

function sparse(map: string, realSize: number, stored: number): Buffer {
  const records: [string, string][] = [
    ['GNU.sparse.name', 'db/f'],
    ['GNU.sparse.size', String(realSize)],
    ['GNU.sparse.map', map],
  ]
  return Buffer.concat([pax(records), file('db/GNUSparseFile.0/f', 'x'.repeat(stored))])
}

test.each([
  ['pieces that overlap', '0,10,5,10', 100, 20],
  ['pieces out of order', '50,10,0,10', 100, 20],
  ['a piece beyond its end', '95,10', 100, 10],
  ['an offset without a length', '0,10,20', 100, 10],
])('a sparse map with %s is refused', async (_, map, realSize, stored) => {
  using bench = makeBench('memory')
  const archive = archiveOf(directory('db/'), sparse(map, realSize, stored))
  expect(await refusalOf(archive, bench.target)).toMatch(
    /^ARCHIVE_CORRUPT: .*the map of a sparse file is inconsistent/,
  )
})

test.each([
  ['more data than the map says', '0,10', 20],
  ['less data than the map says', '0,10', 5],
])('a sparse file with %s is refused', async (_, map, stored) => {
  using bench = makeBench('memory')
  const archive = archiveOf(directory('db/'), sparse(map, 100, stored))
  expect(await refusalOf(archive, bench.target)).toMatch(
    /^ARCHIVE_CORRUPT: .*the map of a sparse file does not fit its data/,
  )
})

test.each(['L', 'K', 'x', 'g'])('a header "%s" that claims 64 MiB or more is not read', async (type) => {
  using bench = makeBench('memory')
  const huge = entry({ name: 'huge', type, size: 64 * MIB + 1 })
  expect(await refusalOf(archiveOf(directory('db/'), huge), bench.target)).toMatch(
    /^ARCHIVE_CORRUPT: .*a header of 67108865 bytes/,
  )
})

/** An archive of one gzip member, and that member's size. */
function oneMember(content: Buffer, level: number) {
  const archive = gzipSync(Buffer.concat([directory('db/'), file('db/f', content), END]), { level })
  return { archive, members: [archive.length] }
}

test('a gzip member that inflates to more than 16 MiB is not held in memory', async () => {
  using bench = makeBench('memory')
  const { archive, members } = oneMember(Buffer.alloc(17 * MIB), 9)
  expect(await refusalOf(archive, bench.target, { members })).toMatch(
    /^ARCHIVE_CORRUPT: .*it cannot be inflated/,
  )
})

test.each([
  ['is larger than ours are', (size: number) => [size]],
  ['has no bytes', (size: number) => [0, size]],
  ['has less than none', (size: number) => [-1, size + 1]],
])('an archive with a gzip member that %s is read as a stream', async (_, membersOf) => {
  using bench = makeBench('memory')
  const content = randomBytes(17 * MIB)
  const { archive } = oneMember(content, 0)
  const members = membersOf(archive.length)
  expect(await refusalOf(archive, bench.target, { members })).toBe('restored: []')
  expect(readFileSync(`${bench.target}/f`).equals(content)).toBe(true)
})

test('a name of more than 1 MiB is refused', async () => {
  using bench = makeBench('memory')
  const named = (length: number) =>
    archiveOf(directory('db/'), pax([['path', `db/${'a/'.repeat(length / 2)}f`]]), file('db/f', 'x'))
  expect(await refusalOf(named(MIB), bench.target)).toMatch(/^ARCHIVE_UNSAFE: .*a name of 1048580 bytes/)
})
