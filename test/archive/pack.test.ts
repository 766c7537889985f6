import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { encodeHead } from '../../src/archive/member-header.ts'
import { packArchive } from '../../src/archive/pack.ts'
import { BackupdError } from '../../src/lib/errors.ts'
import { isRoot, packTo, untar } from '../support/packing.ts'
import { compareTrees } from '../support/tree-compare.ts'
import { makeNastyTree } from '../support/tree-make.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'pack-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

describe('GNU tar reads an archive', () => {
  test.skipIf(!isRoot)('restores everything (needs root: owners, devices)', async () => {
    const { skipped } = makeNastyTree(join(dir, 'db'))
    expect(skipped, 'this machine cannot make all of the tree').toEqual([])
    const { archive, summary, warnings } = await packTo(join(dir, 'a.tar.gz'), join(dir, 'db'))
    expect(warnings).toEqual([])
    await untar(archive, join(dir, 'out'))
    expect(compareTrees(join(dir, 'db'), join(dir, 'out/db'))).toEqual([])
    expect(summary).toMatchObject({ faults: 0, notKept: [], empty: false })
  })

  test('restores what an ordinary user may create', async () => {
    const { skipped } = makeNastyTree(join(dir, 'db'))
    const { archive } = await packTo(join(dir, 'a.tar.gz'), join(dir, 'db'))
    await untar(archive, join(dir, 'out'))
    const left = skipped.map((one) => one.slice(0, one.indexOf(':')))
    expect(compareTrees(join(dir, 'db'), join(dir, 'out/db'), { except: left })).toEqual([])
  })

  test('states its size, sha256 and counts', async () => {
    mkdirSync(join(dir, 'v/sub'), { recursive: true })
    writeFileSync(join(dir, 'v/sub/a'), 'hello')
    writeFileSync(join(dir, 'v/b'), Buffer.alloc(100_000, 1))
    const { archive, index, summary } = await packTo(join(dir, 'a.tar.gz'), join(dir, 'v'))
    const bytes = readFileSync(archive)
    const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex')
    expect(summary).toMatchObject({
      size: bytes.length,
      sha256: sha256(bytes),
      entries: 4,
      files: 2,
      bytes: 100_005,
    })
    expect(summary.index).toEqual({ size: index.length, sha256: sha256(index) })
    expect(gunzipSync(bytes)).toHaveLength(summary.tarBytes)
    expect(summary.tarBytes % 10240).toBe(0)
  })

  test('has one directory at its top with the given name, whatever its bytes are', async () => {
    mkdirSync(join(dir, 'v'))
    writeFileSync(join(dir, 'v/a'), 'x')
    const topName = Buffer.from([0x64, 0xff, 0x0a])
    const { archive } = await packTo(join(dir, 'a.tar.gz'), join(dir, 'v'), { topName })
    await untar(archive, join(dir, 'out'))
    expect(readdirSync(join(dir, 'out'), { encoding: 'buffer' })).toEqual([topName])
  })

  test.each([
    [155, 100, false],
    [156, 100, true],
    [155, 101, true],
    [1, 100, false],
    [0, 100, false],
    [0, 101, true],
  ])(
    'stores the name of a folder of %i and a file of %i bytes in a pax record: %s',
    (prefix, name, isLong) => {
      const path = Buffer.from(`${prefix > 0 ? `${'p'.repeat(prefix)}/` : ''}${'n'.repeat(name)}`)
      const entry = {
        type: 'file' as const,
        path,
        mode: 0o600,
        uid: 0,
        gid: 0,
        size: 0,
        mtimeNs: 0n,
        ctimeNs: 0n,
        device: 1n,
        inode: 2n,
        links: 1,
        major: 0,
        minor: 0,
        linkTarget: null,
        xattrs: [],
        extents: null,
      }
      const head = encodeHead({
        entry,
        name: path,
        linkName: null,
        isHardLink: false,
        size: 0,
        sparseSize: null,
      })
      expect(head.length > 512).toBe(isLong)
      const archive = join(dir, 'a.tar')
      writeFileSync(archive, Buffer.concat([head, Buffer.alloc(1024)]))
      expect(execFileSync('tar', ['-tf', archive], { encoding: 'utf8' })).toBe(`${path}\n`)
    },
  )

  test('has several gzip members if the content is larger than a block, and is smaller than compressible content', async () => {
    mkdirSync(join(dir, 'v'))
    const random = Buffer.concat(
      Array.from({ length: 3000 }, (_, n) => createHash('sha512').update(`${n}`).digest()),
    )
    writeFileSync(join(dir, 'v/text'), 'many lines of text\n'.repeat(300_000))
    writeFileSync(join(dir, 'v/random'), Buffer.concat(Array.from({ length: 20 }, () => random)))
    const { archive, summary } = await packTo(join(dir, 'a.tar.gz'), join(dir, 'v'))
    await untar(archive, join(dir, 'out'))
    expect(compareTrees(join(dir, 'v'), join(dir, 'out/v'))).toEqual([])
    expect(summary.size).toBeLessThan(summary.bytes * 0.5)
  })
})

describe('a volume', () => {
  test('that holds only directories is empty', async () => {
    mkdirSync(join(dir, 'v/lost+found'), { recursive: true })
    const { summary } = await packTo(join(dir, 'a.tar.gz'), join(dir, 'v'))
    expect(summary).toMatchObject({ empty: true, files: 0, entries: 2 })
  })

  test('that holds a link is not empty', async () => {
    mkdirSync(join(dir, 'v'))
    writeFileSync(join(dir, 'v/a'), '')
    expect((await packTo(join(dir, 'a.tar.gz'), join(dir, 'v'))).summary.empty).toBe(false)
  })

  test('that does not exist is missing', async () => {
    await expect(packTo(join(dir, 'a.tar.gz'), join(dir, 'nowhere'))).rejects.toMatchObject({
      code: 'VOLUME_MISSING',
      message: expect.stringContaining('it does not exist'),
    })
  })

  test('that is a file is missing', async () => {
    writeFileSync(join(dir, 'file'), '')
    await expect(packTo(join(dir, 'a.tar.gz'), join(dir, 'file'))).rejects.toMatchObject({
      code: 'VOLUME_MISSING',
      message: expect.stringContaining('it is not a directory'),
    })
  })
})

describe('a backup that ends early', () => {
  const openDescriptors = () => readdirSync('/proc/self/fd').length

  test('stops with the reason of the signal at once, even if a write hangs', async () => {
    makeNastyTree(join(dir, 'v'))
    const before = openDescriptors()
    const controller = new AbortController()
    const reason = new BackupdError('CANCELLED', 'Cancelled on request')
    const hung = Promise.withResolvers<void>()
    const write = () => {
      controller.abort(reason)
      return hung.promise
    }
    const hanging = { write, sync: async () => {}, close: async () => {} }
    const packed = packArchive({
      volume: join(dir, 'v'),
      topName: Buffer.from('v'),
      out: hanging,
      index: hanging,
      signal: controller.signal,
      onProgress: () => {},
      onWarning: () => {},
    })
    await expect(packed).rejects.toBe(reason)
    hung.reject(new Error('closed'))
    await expect.poll(openDescriptors).toBe(before)
  })

  test('passes on the error of the store, and closes everything it opened', async () => {
    mkdirSync(join(dir, 'v'))
    for (let n = 0; n < 20; n++) writeFileSync(join(dir, `v/${n}`), Buffer.alloc(1 << 20, n))
    const before = openDescriptors()
    const full = new BackupdError('STORE_FULL', 'The store is full')
    const beforeWrite = () => {
      throw full
    }
    await expect(packTo(join(dir, 'a.tar.gz'), join(dir, 'v'), { beforeWrite })).rejects.toBe(full)
    await expect.poll(openDescriptors).toBe(before)
  })

  test('does not start if it was cancelled before', async () => {
    mkdirSync(join(dir, 'v'))
    const signal = AbortSignal.abort(new BackupdError('CANCELLED', 'Cancelled on request'))
    await expect(packTo(join(dir, 'a.tar.gz'), join(dir, 'v'), { signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    })
  })
})

test('progress counts up to the total, and names the path being read', async () => {
  mkdirSync(join(dir, 'v'))
  writeFileSync(join(dir, 'v/large'), Buffer.alloc(5_000_000, 7))
  const seen: { bytes: number; files: number; path: Buffer }[] = []
  const { summary } = await packTo(join(dir, 'a.tar.gz'), join(dir, 'v'), {
    onProgress: (done) => void seen.push(done),
  })
  expect(seen.length).toBeGreaterThan(4)
  expect(seen.map(({ bytes }) => bytes)).toEqual(seen.map(({ bytes }) => bytes).toSorted((a, b) => a - b))
  expect(seen.at(-1)).toMatchObject({ bytes: summary.bytes, files: 1, path: Buffer.from('large') })
})
