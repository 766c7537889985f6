import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ByteStream } from '../../src/archive/byte-stream.ts'
import { type IndexLine, readIndex, toArchiveFileInfo } from '../../src/archive/index-format.ts'
import { createIndexWriter } from '../../src/archive/index-writer.ts'
import { encodeHead } from '../../src/archive/member-header.ts'
import { encodePaxRecords, formatPaxTime } from '../../src/archive/pax-encode.ts'
import { parsePaxRecords } from '../../src/archive/pax-records.ts'
import { encodeSparseMap } from '../../src/archive/sparse-encode.ts'
import { readTarEntries, type TarEntry } from '../../src/archive/tar-entries.ts'
import { fieldNanoseconds, fieldNumber, parseDecimalSeconds } from '../../src/archive/tar-fields.ts'
import { textToBytes } from '../../src/lib/byte-paths.ts'
import { DateTime } from '../../src/resolvers/scalars.ts'
import type { Extent } from '../../src/volume/tree/entry.ts'
import { extremeEntry, extremeName, extremeSize, extremeTime } from '../support/extreme-entries.ts'
import { bytesReader } from '../support/packing.ts'
import { base256, header } from '../support/tar-blocks.ts'

/** The first entry of a tar stream; its content is not needed. */
async function readFirst(...parts: Buffer[]): Promise<TarEntry> {
  async function* chunks() {
    yield Buffer.concat(parts)
  }
  const { value, done } = await readTarEntries(new ByteStream(chunks())).next()
  if (done) throw new Error('the stream has no entry')
  return value
}

test('every time that the kernel counts comes back from a pax record', () => {
  fc.assert(fc.property(extremeTime, (ns) => void expect(parseDecimalSeconds(formatPaxTime(ns))).toBe(ns)))
})

test('every time comes back from the base 256 field of a GNU header', () => {
  fc.assert(
    fc.property(extremeTime, (ns) => {
      const whole = ns / 1_000_000_000n
      expect(fieldNanoseconds(base256(whole, 12), 0, 12)).toBe(whole * 1_000_000_000n)
    }),
  )
})

test('every size comes back from a base 256 field', () => {
  fc.assert(
    fc.property(extremeSize, (size) => void expect(fieldNumber(base256(BigInt(size), 12), 0, 12)).toBe(size)),
  )
})

test('records of any bytes are read back the same', () => {
  const record = fc.record({
    key: fc.stringMatching(/^[!-<>-~]{1,40}$/),
    value: fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
  })
  fc.assert(
    fc.property(fc.array(record), (records) => {
      const read = parsePaxRecords(encodePaxRecords(records)).filter(({ key }) => key !== 'hdrcharset')
      expect(read).toEqual(records)
    }),
  )
})

test('an entry with any values comes back from its tar header', async () => {
  await fc.assert(
    fc.asyncProperty(extremeEntry, async (entry) => {
      const isDirectory = entry.type === 'directory'
      const name = isDirectory ? Buffer.concat([entry.path, Buffer.from('/')]) : entry.path
      const { linkTarget: linkName, size } = entry
      const read = await readFirst(
        encodeHead({ entry, name, linkName, isHardLink: false, size, sparseSize: null }),
      )
      const { type, mode, uid, gid, mtimeNs, major, minor, xattrs } = entry
      expect(read).toMatchObject({ type, mode, uid, gid, mtimeNs, major, minor, size, doubts: [] })
      expect(read.name.equals(name)).toBe(true)
      expect(read.linkName.equals(linkName ?? Buffer.alloc(0))).toBe(true)
      expect(read.xattrs).toEqual(xattrs)
    }),
  )
})

test('a sparse file of any size comes back from its header and map', async () => {
  const pieces = fc.uniqueArray(extremeSize, { maxLength: 8 }).map((at) => at.toSorted((a, b) => a - b))
  await fc.assert(
    fc.asyncProperty(extremeEntry, pieces, async (any, at) => {
      const extents: Extent[] = []
      for (let n = 0; n + 1 < at.length; n += 2)
        extents.push({
          offset: at[n] as number,
          length: Math.min((at[n + 1] as number) - (at[n] as number), 512),
        })
      const entry = { ...any, type: 'file' as const, size: at.at(-1) ?? 0, linkTarget: null, extents }
      const map = encodeSparseMap(extents, entry.size)
      const size = map.length + extents.reduce((sum, { length }) => sum + length, 0)
      const head = encodeHead({
        entry,
        name: entry.path,
        linkName: null,
        isHardLink: false,
        size,
        sparseSize: entry.size,
      })
      expect(await readFirst(head, map)).toMatchObject({ size: entry.size, extents })
    }),
  )
})

test('an index of any entries is read back the same, and its times can be shown', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(extremeEntry, { maxLength: 5 }), extremeName, async (entries, topName) => {
      const chunks: Buffer[] = []
      const out = {
        write: async (chunk: Buffer) => void chunks.push(Buffer.from(chunk)),
        sync: async () => {},
        close: async () => {},
      }
      const writer = createIndexWriter(out, topName)
      for (const entry of entries)
        await writer.add({ entry, sha256: null, offset: 0, length: Number.MAX_SAFE_INTEGER, link: null })
      await writer.end(Number.MAX_SAFE_INTEGER)
      const lines: IndexLine[] = await Array.fromAsync(readIndex(bytesReader(Buffer.concat(chunks))))
      const read = lines.filter((line) => line.kind === 'entry')
      expect(read.map(({ path }) => textToBytes(path))).toEqual(entries.map(({ path }) => path))
      expect(read.map(({ mtimeNs }) => BigInt(mtimeNs))).toEqual(entries.map(({ mtimeNs }) => mtimeNs))
      expect(read.map(({ size, uid, gid, mode }) => [size, uid, gid, mode])).toEqual(
        entries.map(({ size, uid, gid, mode }) => [size, uid, gid, mode]),
      )
      for (const line of read) expect(DateTime.serialize(toArchiveFileInfo(line).modified)).toMatch(/^\d{4}-/)
    }),
    { numRuns: 50 },
  )
})

test.each([10n ** 12n, 10n ** 17n, -(10n ** 13n)])(
  'a GNU header with the time %d s is read',
  async (whole) => {
    const block = header({ name: 'x', patches: [[136, base256(whole, 12)]], magic: 'gnu' })
    expect((await readFirst(block)).mtimeNs).toBe(whole * 1_000_000_000n)
  },
)

test('a time beyond the range of the kernel becomes the last time within it', () => {
  const latest = (2n ** 63n - 1n) * 1_000_000_000n
  expect(parseDecimalSeconds('9999999999999999999')).toBe(latest)
  expect(parseDecimalSeconds('-9999999999999999999.5')).toBe(-latest)
  expect(fieldNanoseconds(base256(2n ** 70n, 12), 0, 12)).toBe(latest)
  expect(() => parseDecimalSeconds('10000000000000000000')).toThrow('is not a time')
})
