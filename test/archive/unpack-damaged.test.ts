import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { archiveOf, directory, END, entry, file, header, pax } from '../support/tar-blocks.ts'
import { compareTrees } from '../support/tree-compare.ts'
import { type Bench, gnuTar, makeBench, refusalOf, unpack } from '../support/unpack-kit.ts'

let source: Bench
let tree: string
/** A few kB of everything: small files, a larger one, folders, links. */
let archive: Buffer
let expected: { size: number; sha256: string }

beforeAll(() => {
  source = makeBench('memory')
  tree = `${source.path}/db`
  mkdirSync(`${tree}/sub`, { recursive: true })
  for (let n = 0; n < 8; n++) writeFileSync(`${tree}/sub/${n}`, `file ${n} `.repeat(n * 40))
  writeFileSync(`${tree}/random`, createHash('shake256', { outputLength: 20_000 }).update('x').digest())
  gnuTar('--format=posix', '-czf', `${source.path}/a.tar.gz`, '-C', source.path, 'db')
  archive = readFileSync(`${source.path}/a.tar.gz`)
  expected = { size: archive.length, sha256: createHash('sha256').update(archive).digest('hex') }
})

afterAll(() => source[Symbol.dispose]())

/** Positions spread over the archive, all of its first and last 40 bytes among them. */
function positions(count: number): number[] {
  const ends = Array.from({ length: 40 }, (_, at) => [at, archive.length - 1 - at]).flat()
  const spread = Array.from({ length: count }, (_, n) => Math.floor((n * archive.length) / count))
  return [...new Set([...ends, ...spread])]
}

/** Each archive into an empty directory of its own, which is emptied again. */
async function outcomes(archives: Iterable<Buffer>, options = {}): Promise<string[]> {
  using bench = makeBench('memory')
  const found: string[] = []
  for (const damaged of archives) {
    const outcome = await refusalOf(damaged, bench.target, options)
    const wrong = outcome.startsWith('restored') ? compareTrees(tree, bench.target, { ignoreRoot: true }) : []
    found.push(wrong.length > 0 ? `silently wrong: ${wrong[0]}` : outcome)
    for (const name of readdirSync(bench.target)) rmSync(`${bench.target}/${name}`, { recursive: true })
  }
  return found
}

function* flipped(count: number): Generator<Buffer> {
  for (const at of positions(count)) {
    const damaged = Buffer.from(archive)
    damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8))
    yield damaged
  }
}

describe('a damaged archive', () => {
  test('that is cut off anywhere is refused', async () => {
    const cut = positions(120).map((length) => archive.subarray(0, length))
    expect((await outcomes(cut)).filter((outcome) => !outcome.startsWith('ARCHIVE_CORRUPT: '))).toEqual([])
  })

  test('with a flipped byte is refused if its manifest has the sha256', async () => {
    const found = await outcomes(flipped(120), { expected })
    expect(found.filter((outcome) => !/^ARCHIVE_(CORRUPT|UNSAFE): /.test(outcome))).toEqual([])
  })

  test('with a flipped byte and without a manifest is refused, unless the byte had no meaning', async () => {
    const found = await outcomes(flipped(120))
    expect(found.filter((outcome) => outcome.startsWith('silently wrong'))).toEqual([])
    // What means nothing: flags, time and system in gzip's header.
    expect(found.filter((outcome) => outcome.startsWith('restored')).length).toBeLessThan(12)
  })

  test('with the right size and a wrong sha256 is refused, although it unpacked', async () => {
    using bench = makeBench('memory')
    const wrong = { size: archive.length, sha256: 'f'.repeat(64) }
    expect(await refusalOf(archive, bench.target, { expected: wrong })).toBe(
      `ARCHIVE_CORRUPT: The archive is damaged: its sha256 is ${expected.sha256}, expected ${wrong.sha256}. Use an older backup`,
    )
  })

  test('with a wrong size is refused before anything is unpacked', async () => {
    using bench = makeBench('memory')
    const wrong = { ...expected, size: archive.length + 1 }
    expect(await refusalOf(archive, bench.target, { expected: wrong })).toContain(
      `it has ${archive.length} bytes, expected ${archive.length + 1}`,
    )
    expect(readdirSync(bench.target)).toEqual([])
  })

  test('with members that do not match the index is read in order', async () => {
    using bench = makeBench('memory')
    const { files } = await unpack(archive, bench.target, { members: [10, 20], expected })
    expect(files).toBe(9)
  })

  test('with members that match the index but are not gzip is refused', async () => {
    using bench = makeBench('memory')
    const members = [100, archive.length - 100]
    expect(await refusalOf(archive, bench.target, { members })).toMatch(
      /^ARCHIVE_CORRUPT: .*cannot be inflated/,
    )
  })

  test('says where the damage is', async () => {
    using bench = makeBench('memory')
    const plain = gunzipSync(archive)
    plain[plain.indexOf('db/sub/5') + 300] = 0xff
    expect(await refusalOf(gzipSync(plain), bench.target)).toMatch(
      /^ARCHIVE_CORRUPT: The archive is damaged: .*checksum \(byte \d+ of its tar stream, at "db\/sub\/\d"\)/,
    )
  })
})

describe('a file that is not an archive is refused', () => {
  test.each([
    ['empty object', Buffer.alloc(0), /^ARCHIVE_CORRUPT: /],
    [
      'no gzip',
      Buffer.from('hello, world. this is no archive at all'),
      /^ARCHIVE_CORRUPT: .*incorrect header check/,
    ],
    ['gzip of nothing', gzipSync(''), /^ARCHIVE_CORRUPT: .*ends without an end mark/],
    ['gzip of text', gzipSync('hello'.repeat(1000)), /^ARCHIVE_CORRUPT: /],
    ['only an end mark', archiveOf(), /^ARCHIVE_EMPTY: .*it is empty/],
    ['only the directory itself', archiveOf(directory('db/')), /^ARCHIVE_EMPTY: .*it is empty/],
    ['no end mark', gzipSync(directory('db/')), /^ARCHIVE_CORRUPT: .*ends without an end mark/],
    [
      'a wrong checksum',
      archiveOf(entry({ name: 'db/x', checksum: 1234 })),
      /^ARCHIVE_CORRUPT: .*wrong checksum/,
    ],
    [
      'a size beyond the end',
      gzipSync(Buffer.concat([header({ name: 'db/x' }, 5000), END])),
      /ends too early/,
    ],
    [
      'a part of several volumes',
      archiveOf(directory('db/'), entry({ name: 'db/x', type: 'M' })),
      /type "M"/,
    ],
    [
      'a pax header that is none',
      archiveOf(entry({ name: 'x', type: 'x', body: '99 path=x\n' })),
      /pax header/,
    ],
    [
      'a pax header beyond reason',
      gzipSync(header({ name: 'x', type: 'x' }, 2 ** 32)),
      /a header of 4294967296 bytes/,
    ],
    [
      'a size that is not a number',
      archiveOf(header({ name: 'db/x', patches: [[124, '00000zz0000\0']] })),
      /is malformed/,
    ],
    [
      'a pax size that is not a number',
      archiveOf(pax([['size', '-1']]), entry({ name: 'db/x' })),
      /"-1" is not a number/,
    ],
    [
      'a pax time that is not a time',
      archiveOf(pax([['mtime', 'soon']]), entry({ name: 'db/x' })),
      /"soon" is not a time/,
    ],
  ])('%s', async (_, bytes, says) => {
    using bench = makeBench('memory')
    expect(await refusalOf(bytes, bench.target)).toMatch(says)
  })

  test('an empty backup of ours with a manifest restores an empty volume', async () => {
    using bench = makeBench('memory')
    const bytes = archiveOf(directory('db/', { mode: 0o750 }))
    const digest = { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
    const { root, entries, files } = await unpack(bytes, bench.target, { expected: digest })
    expect([root?.mode, entries, files]).toEqual([0o750, 1, 0])
  })

  test('a second archive after the end mark is ignored with a warning', async () => {
    using bench = makeBench('memory')
    const { warnings } = await unpack(Buffer.concat([archive, archiveOf(file('x/y', 'z'))]), bench.target)
    expect(warnings).toEqual(['note : the archive has data after its end mark, which was ignored'])
    expect(compareTrees(tree, bench.target, { ignoreRoot: true })).toEqual([])
  })

  test('bytes after the gzip stream that are not gzip are refused', async () => {
    using bench = makeBench('memory')
    const bytes = Buffer.concat([archive, Buffer.from('garbage')])
    expect(await refusalOf(bytes, bench.target)).toMatch(/^ARCHIVE_CORRUPT: .*incorrect header check/)
  })

  test('zeros after the last gzip member are padding, and count for the digest', async () => {
    using bench = makeBench('memory')
    const bytes = Buffer.concat([archive, Buffer.alloc(3_000_000)])
    const digest = { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
    const { warnings, files } = await unpack(bytes, bench.target, { expected: digest })
    expect([warnings, files]).toEqual([[], 9])
  })
})

describe('random bytes', () => {
  test('in a tar header are refused or restored, without another error', async () => {
    using bench = makeBench('memory')
    const field = fc.tuple(fc.integer({ min: 0, max: 511 }), fc.uint8Array({ minLength: 1, maxLength: 30 }))
    const damage = async (patches: [number, Uint8Array][]) => {
      const block = header({ name: 'db/x', patches: patches.map(([at, bytes]) => [at, Buffer.from(bytes)]) })
      await refusalOf(archiveOf(directory('db/'), block), bench.target)
    }
    await fc.assert(fc.asyncProperty(fc.array(field, { maxLength: 5 }), damage), { numRuns: 200 })
    expect(readdirSync(bench.path).length).toBe(1)
  })

  test('in pax records are refused or restored, without another error', async () => {
    using bench = makeBench('memory')
    const key = fc.constantFrom(
      'path',
      'linkpath',
      'size',
      'uid',
      'mtime',
      'GNU.sparse.map',
      'GNU.sparse.size',
      'GNU.sparse.major',
      'SCHILY.acl.access',
      'SCHILY.xattr.user.x',
    )
    const value = fc.oneof(
      fc.string(),
      fc.integer().map(String),
      fc.constantFrom('1', '0,1', '../x', '/x', 'user::rwx'),
    )
    const records = fc.array(fc.tuple(key, value), { maxLength: 6 })
    const property = fc.asyncProperty(records, async (pairs) => {
      await refusalOf(archiveOf(directory('db/'), pax(pairs), file('db/x', 'y'.repeat(700))), bench.target)
    })
    await fc.assert(property, { numRuns: 200 })
    expect(readdirSync(bench.path).length).toBe(1)
  })
})
