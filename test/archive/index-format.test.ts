import { createHash } from 'node:crypto'
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type IndexEntry,
  type IndexLine,
  readIndex,
  toArchiveFileInfo,
} from '../../src/archive/index-format.ts'
import { fileInfoSchema } from '../../src/wire/backup.ts'
import { bytesReader, type Packed, packTo, runTar } from '../support/packing.ts'

let dir: string
let packed: Packed
let tar: Buffer
let lines: IndexLine[]

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'index-'))
  mkdirSync(join(dir, 'v/sub'), { recursive: true })
  writeFileSync(join(dir, 'v/large'), Buffer.alloc(3_000_000, 'large '))
  writeFileSync(join(dir, 'v/sub/a\nb'), 'small')
  linkSync(join(dir, 'v/sub/a\nb'), join(dir, 'v/sub/linked'))
  writeFileSync(Buffer.concat([Buffer.from(join(dir, 'v/')), Buffer.from([0xff])]), 'no text')
  writeFileSync(join(dir, 'v/holes'), 'x')
  truncateSync(join(dir, 'v/holes'), 10_000_000)
  writeFileSync(join(dir, 'v/new\nline'), 'other')
  for (let n = 0; n < 3000; n++) writeFileSync(join(dir, `v/sub/${n}`), `${n}`)
  packed = await packTo(join(dir, 'a.tar.gz'), join(dir, 'v'))
  tar = gunzipSync(readFileSync(packed.archive))
  lines = await read(packed.index)
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

async function read(index: Buffer): Promise<IndexLine[]> {
  return await Array.fromAsync(readIndex(bytesReader(index)))
}

function entries(): IndexEntry[] {
  return lines.filter((line) => line.kind === 'entry')
}

function entry(path: string): IndexEntry {
  const found = entries().find((one) => one.path === path)
  if (!found) throw new Error(`no entry ${path}`)
  return found
}

/** What GNU tar makes of one entry's bytes alone. */
async function contentOf({ offset, length }: IndexEntry): Promise<Buffer> {
  const alone = Buffer.concat([tar.subarray(offset, offset + length), Buffer.alloc(1024)])
  return (await runTar(['-xOf', '-'], alone)).stdout
}

test('the index describes every entry, in order and without gaps', () => {
  expect(entries()).toHaveLength(packed.summary.entries)
  let end = 0
  for (const { offset, length } of entries()) {
    expect(offset).toBe(end)
    expect(length % 512).toBe(0)
    end = offset + length
  }
  expect(tar.subarray(end).every((byte) => byte === 0)).toBe(true)
})

test.each(['large', 'new\\x0aline', '\\xff', 'holes', 'sub/2999'])(
  '%j can be read by its byte range alone',
  async (path) => {
    const content = await contentOf(entry(path))
    expect(content).toHaveLength(entry(path).size)
    expect(createHash('sha256').update(content).digest('hex')).toBe(entry(path).sha256)
  },
)

test('a hard link names the entry that has its content', async () => {
  const link = entries().find((one) => one.type === 'hardlink')
  const data = entries().find((one) => one.offset === link?.dataEntry)
  expect(data?.path).toBe(link?.linkTarget)
  expect((await contentOf(data as IndexEntry)).toString()).toBe('small')
})

test('the members cover the archive, and each can be unpacked alone', () => {
  const archive = readFileSync(packed.archive)
  let [at, plainAt] = [0, 0]
  for (const [bytes, plainBytes] of lines.flatMap((line) => (line.kind === 'members' ? line.sizes : []))) {
    const plain = gunzipSync(archive.subarray(at, at + bytes))
    expect(plain.equals(tar.subarray(plainAt, plainAt + plainBytes))).toBe(true)
    at += bytes
    plainAt += plainBytes
  }
  expect([at, plainAt]).toEqual([archive.length, packed.summary.tarBytes])
})

test('an entry is shown as a line of a list of files', () => {
  const info = fileInfoSchema.parse(toArchiveFileInfo(entry('new\\x0aline')))
  expect(info).toMatchObject({ path: 'new\\x0aline', type: 'file', size: 5 })
  expect(Math.abs(Date.parse(info.modified) - Date.now())).toBeLessThan(600_000)
})

test('an index of an earlier version, with unescaped control characters in names, is read the same', async () => {
  const now = gunzipSync(packed.index).toString('utf8')
  const before = now.replaceAll(/\\\\x(0[0-9a-f]|1[0-9a-f]|7f)/g, (_, hex) => `\\u00${hex}`)
  expect(before).not.toBe(now)
  expect(await read(gzipSync(before))).toEqual(lines)
})

describe('a damaged index is refused', () => {
  const refused = (index: Buffer) => expect(read(index)).rejects.toMatchObject({ code: 'ARCHIVE_CORRUPT' })
  const text = () => gunzipSync(packed.index).toString('utf8')
  const textLines = () => text().trimEnd().split('\n')
  const zipped = (some: string[]) => gzipSync(some.map((line) => `${line}\n`).join(''))

  test('with a flipped byte', async () => {
    for (const part of [0.1, 0.5, 0.9]) {
      const index = Buffer.from(packed.index)
      const at = Math.floor(index.length * part)
      index[at] = (index[at] as number) ^ 0x10
      await refused(index)
    }
  })
  test('cut short', async () => {
    for (const length of [0, 10, packed.index.length >> 1, packed.index.length - 1]) {
      await refused(packed.index.subarray(0, length))
    }
  })
  test('that is not an index', () => refused(Buffer.from('hello')))
  test('without its header', () => refused(zipped(textLines().slice(1))))
  test('without its end', () => refused(zipped(textLines().slice(0, -1))))
  test('with one line less', () => refused(zipped(textLines().toSpliced(5, 1))))
  test('with one gzip member less', () => {
    const isMembers = (line: string) => line.startsWith('{"kind":"members"')
    const some = textLines()
    const at = some.findIndex(isMembers)
    const { sizes, ...rest } = JSON.parse(some[at] ?? '')
    return refused(zipped(some.with(at, JSON.stringify({ ...rest, sizes: sizes.slice(1) }))))
  })
  test('with lines behind its end', async () => {
    const members = textLines().findLast((line) => line.includes('"members","sizes"')) as string
    for (const line of [textLines()[3] as string, members]) await refused(zipped([...textLines(), line]))
  })
  test('with a line that is not an entry', () =>
    refused(zipped(textLines().toSpliced(5, 1, '{"kind":"entry"}'))))
  test('of another format', () => refused(gzipSync(text().replace('"format":1', '"format":2'))))
  test('whose last line does not end', () => refused(gzipSync(text().trimEnd())))
  test('with a line that never ends', () => refused(gzipSync(Buffer.alloc(40 << 20, ' '))))
})

test('an error of the store while the index is read is passed on', async () => {
  const lost = new Error('lost')
  const reader = { ...bytesReader(packed.index), read: () => Promise.reject(lost) }
  await expect(Array.fromAsync(readIndex(reader))).rejects.toBe(lost)
})

test('a reader may stop anywhere', async () => {
  for await (const line of readIndex(bytesReader(packed.index))) if (line.kind === 'entry') break
})
