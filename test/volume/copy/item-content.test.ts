import { expect, test } from 'vitest'
import { openContent } from '../../../src/volume/copy/item-content.ts'
import type { OpenFile, TreeEntry, TreeItem } from '../../../src/volume/tree/entry.ts'

const IO_ERROR = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })

/** All pieces of an item with this open file, and what was told of it. */
async function readAll(entry: Partial<TreeEntry>, file: Partial<OpenFile>) {
  const faults: string[] = []
  let closed = 0
  const open = async () => ({
    fd: -1,
    read: async () => 0,
    changed: async () => undefined,
    ...file,
    close: async () => void closed++,
  })
  const item = { entry: { extents: null, ...entry }, data: null, open } as unknown as TreeItem
  const content = await openContent(item, {
    onBytes: () => {},
    onFault: (message) => void faults.push(message),
  })
  const pieces: Buffer[] = []
  // Memory is used again: what it held before must not come up.
  for (let piece = await content?.next(); piece; piece = await content?.next()) {
    pieces.push(Buffer.from(piece))
    piece.fill('secret')
  }
  await content?.close()
  return { faults, closed, bytes: Buffer.concat(pieces) }
}

/** A file of `a` that ends, or fails, at `end`. */
function readTo(end: number, error?: Error): OpenFile['read'] {
  return async (buffer, position) => {
    const count = Math.min(buffer.length, Math.max(end - position, 0))
    if (count === 0 && error) throw error
    buffer.fill('a', 0, count)
    return count
  }
}

test.each([
  ['shrank', undefined, 'shrank while it was read: the rest of it is zeros'],
  ['cannot be read', IO_ERROR, 'cannot be read to its end: i/o error (EIO); the rest of it is zeros'],
])('zeros replace the rest of a file that %s, with one fault', async (_, error, fault) => {
  const extents = [
    { offset: 0, length: 3000 },
    { offset: 2 << 20, length: (2 << 20) + 1000 },
  ]
  const read = await readAll({ size: 5 << 20, extents }, { read: readTo(1000, error) })
  const rest = 2000 + (2 << 20) + 1000
  expect(read.bytes.equals(Buffer.concat([Buffer.alloc(1000, 'a'), Buffer.alloc(rest)]))).toBe(true)
  expect(read).toMatchObject({ faults: [fault], closed: 1 })
})

test('a file that changed while it was read is a fault, even if all of it could be read', async () => {
  const changed = async () => 'changed' as const
  expect(await readAll({ size: 10 }, { read: readTo(10), changed })).toMatchObject({
    faults: ['changed while it was read'],
    closed: 1,
    bytes: Buffer.alloc(10, 'a'),
  })
  expect((await readAll({ size: 10 }, { read: readTo(10) })).faults).toEqual([])
})

test('a file that cannot be opened is a fault, and has no content', async () => {
  const faults: string[] = []
  const open = () => Promise.reject(IO_ERROR)
  const item = { entry: {}, data: null, open } as unknown as TreeItem
  const on = { onBytes: () => {}, onFault: (message: string) => void faults.push(message) }
  expect(await openContent(item, on)).toBeUndefined()
  expect(faults).toEqual(['cannot be read: i/o error (EIO)'])
})
