import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { storeContent } from '../../src/archive/content.ts'
import { createGzipMembers } from '../../src/archive/gzip-members.ts'
import type { Extent, FileSource, TreeEntry } from '../../src/volume/tree/entry.ts'

const IO_ERROR = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })

/** A file of `a`, of which nothing can be read from `until` on, except from `again` on. */
function sourceOf({ until, again }: { until: number; again: number }) {
  const reads: number[] = []
  const source: FileSource = {
    async read(buffer, position) {
      reads.push(position)
      if (position >= until && position < again) throw IO_ERROR
      const count = position < until ? Math.min(buffer.length, until - position) : buffer.length
      buffer.fill('a', 0, count)
      return count
    },
    changed: async () => undefined,
    close: async () => {},
  }
  return { source, reads }
}

async function store(extents: Extent[], size: number, source: FileSource) {
  const chunks: Buffer[] = []
  const out = {
    write: async (chunk: Buffer) => void chunks.push(Buffer.from(chunk)),
    sync: async () => {},
    close: async () => {},
  }
  const stream = createGzipMembers({ out, blockSize: 1000, blocks: 3 })
  // Blocks are used again: what was in them before must not come up.
  await stream.append(Buffer.alloc(5000, 'secret'))
  const item = { entry: { extents, size } as TreeEntry, data: null, open: null }
  const { signal } = new AbortController()
  const stored = await storeContent({ stream, signal, onBytes: () => {} }, item, source)
  await stream.end()
  return { ...stored, bytes: gunzipSync(Buffer.concat(chunks)).subarray(5000) }
}

test('after the first read error zeros replace the rest of the file, which is not read further', async () => {
  const extents = [
    { offset: 0, length: 1500 },
    { offset: 10_000, length: 1500 },
  ]
  const { source, reads } = sourceOf({ until: 700, again: 10_000 })
  const { fault, sha256, bytes } = await store(extents, 20_000, source)
  expect(fault).toMatch(/^cannot be read to its end: .*\(EIO\); the rest of it is zeros$/)
  expect(reads).toEqual([0, 700])
  expect(bytes.equals(Buffer.concat([Buffer.alloc(700, 'a'), Buffer.alloc(2300)]))).toBe(true)
  const whole = Buffer.alloc(20_000)
  whole.fill('a', 0, 700)
  expect(sha256).toBe(createHash('sha256').update(whole).digest('hex'))
})

test('a file with more than 1 GiB of holes is stored without a hash', async () => {
  const { source } = sourceOf({ until: 100, again: 100 })
  const extents = [{ offset: 0, length: 10 }]
  expect((await store(extents, 10 + 2 ** 30 + 1, source)).sha256).toBeNull()
})
