import { expect, test } from 'vitest'
import { archiveOf, directory, file } from '../support/tar-blocks.ts'
import { makeBench, readerOf, unpack } from '../support/unpack-kit.ts'

const BIG = 3_000_000
const ARCHIVE = archiveOf(
  directory('db/'),
  file('db/a', 'x'.repeat(1000)),
  file('db/big', Buffer.alloc(BIG, 'y')),
)

test('progress counts bytes of content and files up to the total', async () => {
  using bench = makeBench('memory')
  const seen: { bytes: number; files: number; path: string }[] = []
  const summary = await unpack(ARCHIVE, bench.target, {
    onProgress: ({ bytes, files, path }) => seen.push({ bytes, files, path: path.toString() }),
  })
  expect(seen.at(-1)).toEqual({ bytes: BIG + 1000, files: 2, path: 'big' })
  expect(seen.every(({ bytes }, at) => bytes >= (seen[at - 1]?.bytes ?? 0))).toBe(true)
  expect(seen.filter(({ path }) => path === 'big').length).toBeGreaterThan(5)
  expect([summary.bytes, summary.files, summary.entries, summary.faults]).toEqual([BIG + 1000, 2, 3, 0])
})

test.each([null, [ARCHIVE.length]])(
  'an abort in the middle throws the reason (members: %o)',
  async (members) => {
    using bench = makeBench('memory')
    const reason = new Error('asked to stop')
    const abort = new AbortController()
    const onProgress = ({ path }: { path: Buffer }) => {
      if (path.toString() === 'a') abort.abort(reason)
    }
    const run = unpack(ARCHIVE, bench.target, { signal: abort.signal, onProgress, members })
    await expect(run).rejects.toBe(reason)
  },
)

test('an abort before the start reads nothing', async () => {
  using bench = makeBench('memory')
  const archive = { ...readerOf(ARCHIVE), read: async () => Promise.reject(new Error('was read')) }
  const signal = AbortSignal.abort(new Error('before'))
  await expect(unpack(ARCHIVE, bench.target, { archive, signal })).rejects.toThrow('before')
})

test('an error of the store is passed on unchanged', async () => {
  using bench = makeBench('memory')
  const failing = { ...readerOf(ARCHIVE), read: async () => Promise.reject(new Error('the store is gone')) }
  await expect(unpack(ARCHIVE, bench.target, { archive: failing })).rejects.toThrow('the store is gone')
})
