import { createHash, randomBytes } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { makeGzipMember } from '../../src/archive/gzip-member.ts'
import { createGzipMembers } from '../../src/archive/gzip-members.ts'

function memoryWriter() {
  const chunks: Buffer[] = []
  const write = async (chunk: Buffer) => {
    await new Promise((resolve) => setImmediate(resolve))
    chunks.push(Buffer.from(chunk))
  }
  return { write, sync: async () => {}, close: async () => {}, bytes: () => Buffer.concat(chunks) }
}

test('pieces of all sizes are read back the same, in order', async () => {
  const out = memoryWriter()
  const sizes: [number, number][] = []
  const members = createGzipMembers({
    out,
    blockSize: 10_000,
    blocks: 4,
    onMember: (a, b) => void sizes.push([a, b]),
  })
  const pieces = [0, 1, 9_998, 1, 1, 30_000, 10_000, 5_000, 123_456].map((size) => randomBytes(size))
  for (const piece of pieces) await members.append(piece)
  const content = Buffer.concat(pieces)
  expect(members.position).toBe(content.length)
  const summary = await members.end()
  const bytes = out.bytes()
  expect(gunzipSync(bytes).equals(content)).toBe(true)
  expect(summary).toEqual({
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    members: Math.ceil(content.length / 10_000),
    plainBytes: content.length,
  })
  expect(
    sizes
      .map(([, plain]) => plain)
      .slice(0, -1)
      .every((plain) => plain === 10_000),
  ).toBe(true)
  expect(sizes.reduce((sum, [size]) => sum + size, 0)).toBe(bytes.length)
})

test('only one member is written at a time, even if several are ready', async () => {
  const out = memoryWriter()
  const content = randomBytes(8000)
  let writing = 0
  let most = 0
  const write = async (chunk: Buffer) => {
    most = Math.max(most, ++writing)
    // The blocks that wait are smaller, and were there before: they are compressed earlier.
    await makeGzipMember(content)
    await out.write(chunk)
    writing--
  }
  const members = createGzipMembers({ out: { ...out, write }, blockSize: 1000, blocks: 4 })
  await members.append(content)
  await members.end()
  expect(most).toBe(1)
  expect(gunzipSync(out.bytes()).equals(content)).toBe(true)
})

test('space is filled in place', async () => {
  const out = memoryWriter()
  const members = createGzipMembers({ out, blockSize: 1000, blocks: 2 })
  for (let n = 0; n < 10; n++) {
    const count = members.space().fill(n).length
    await members.filled(count)
  }
  await members.end()
  expect(gunzipSync(out.bytes())).toHaveLength(10_000)
})

test('content that does not compress hardly grows', async () => {
  const out = memoryWriter()
  const members = createGzipMembers({ out, blockSize: 1 << 20, blocks: 3 })
  const content = randomBytes(4 << 20)
  await members.append(content)
  const { size } = await members.end()
  expect(size).toBeLessThan(content.length * 1.0005)
})

test('an error of the writer is thrown, now or at the end', async () => {
  const full = new Error('full')
  const out = { write: () => Promise.reject(full), sync: async () => {}, close: async () => {} }
  const members = createGzipMembers({ out, blockSize: 1000, blocks: 2 })
  await expect(members.append(randomBytes(10_000))).rejects.toBe(full)
  const small = createGzipMembers({ out, blockSize: 1000, blocks: 2 })
  await small.append(Buffer.from('x'))
  await expect(small.end()).rejects.toBe(full)
})
