import { expect, it } from 'vitest'
import { MIN_CHUNK_BYTES } from '../../../src/restic/codec/chunker.ts'
import { measureRestore } from '../../../src/restic/restore/measure-restore.ts'
import { chosenPaths } from '../../../src/volume/tree/chosen-paths.ts'
import { MemoryTrees } from '../../support/memory-trees.ts'

const linked = { links: 2, inode: 7n }

function snapshot() {
  const trees = new MemoryTrees()
  const tree = trees.add({
    a: '12345',
    hole: '\0'.repeat(MIN_CHUNK_BYTES),
    zeros: '\0'.repeat(9),
    first: ['123', linked],
    second: ['123', linked],
    pipe: ['', { type: 'fifo' }],
    dir: { b: '12', c: '1' },
  })
  return { source: trees, volume: { tree, root: null } }
}

const { signal } = new AbortController()

it('counts hard links once, and no piece of zeros', async () => {
  expect(await measureRestore({ ...snapshot(), signal })).toEqual({ bytes: 20, entries: 8 })
})

it('counts only what is chosen, with the folders on the way', async () => {
  const chosen = chosenPaths(['dir/b', 'hole', 'second'].map((path) => Buffer.from(path)))
  expect(await measureRestore({ ...snapshot(), chosen, signal })).toEqual({ bytes: 5, entries: 4 })
})

it('stops when it is cancelled', async () => {
  const cancelled = AbortSignal.abort(new Error('cancelled'))
  await expect(measureRestore({ ...snapshot(), signal: cancelled })).rejects.toThrow('cancelled')
})
