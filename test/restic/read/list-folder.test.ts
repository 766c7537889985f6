import { expect, it } from 'vitest'
import { listSnapshotFolder } from '../../../src/restic/read/list-folder.ts'
import { MemoryTrees, type Tree } from '../../support/memory-trees.ts'

const trees = new MemoryTrees()
const many: Tree = Object.fromEntries(Array.from({ length: 2500 }, (_, n) => [`n${n}`, `${n}`]))
const volume = {
  tree: trees.add({
    many,
    dir: { 'b\xff': 'xyz', a: ['', { type: 'symlink', linkTarget: Buffer.from('b') }] },
    z: {},
  }),
  root: null,
}

async function pages(path: string, limit: number): Promise<string[][]> {
  const found: string[][] = []
  for (let after: string | null = ''; after !== null; ) {
    const page: Awaited<ReturnType<typeof listSnapshotFolder>> = await listSnapshotFolder(trees, volume, {
      path,
      after,
      limit,
    })
    found.push(page.files.map((file) => file.path))
    after = page.next
  }
  return found
}

it('lists the direct entries of a folder', async () => {
  expect(await pages('', 10)).toEqual([['dir', 'many', 'z']])
  const { files } = await listSnapshotFolder(trees, volume, { path: '/dir/', after: '', limit: 10 })
  expect(files).toMatchObject([
    { path: 'dir/a', type: 'symlink', linkTarget: 'b', size: 0 },
    {
      path: 'dir/b\\xff',
      type: 'file',
      size: 3,
      mode: 0o644,
      modified: '2023-11-14T22:13:20.000Z',
      sha256: null,
    },
  ])
  expect(await pages('z', 10)).toEqual([[]])
})

it('has pages sorted by the bytes of the path', async () => {
  const found = await pages('many', 1000)
  expect(found.map((page) => page.length)).toEqual([1000, 1000, 500])
  expect(found.flat()).toEqual(
    Object.keys(many)
      .sort()
      .map((name) => `many/${name}`),
  )
  expect(await pages('', 3)).toEqual([['dir', 'many', 'z']])
})

it('reports a missing folder, and a path that is not a folder', async () => {
  await expect(pages('no', 1)).rejects.toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
  await expect(pages('dir/a', 1)).rejects.toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
})
